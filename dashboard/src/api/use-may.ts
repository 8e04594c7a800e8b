import { useQuery } from '@apollo/client/react';
import { MeDocument } from '../gql/graphql.ts';

/** Whether the caller may take an action: `secret:create`. Until that is known, yes: the API refuses who may not. */
export function useMay(): (action: string) => boolean {
  const { data } = useQuery(MeDocument, { fetchPolicy: 'cache-first' });
  return (action) => data === undefined || data.me.actionsSomewhere.includes(action);
}

/** Why the caller may not take an action, for a person to read; undefined when he may. */
export function useRefusal(action: string): string | undefined {
  const may = useMay();
  return may(action) ? undefined : `None of your roles lets you do this (${action}). Ask an owner or admin.`;
}
