import { useQuery } from '@apollo/client/react';
import { MeDocument } from '../gql/graphql.ts';

/**
 * Whether the caller may take an action: `secret:create`. Until that is known, yes: the API refuses who may not.
 * @param isAllowedMeanwhile what to take for the answer while it is under way
 */
export function useMay(isAllowedMeanwhile = true): (action: string) => boolean {
  const { data, loading } = useQuery(MeDocument, { fetchPolicy: 'cache-first' });
  const isAllowedUntold = isAllowedMeanwhile || !loading;
  return (action) => data?.me.actionsSomewhere.includes(action) ?? isAllowedUntold;
}

/** Why the caller may not take an action, for a person to read; undefined when he may. */
export function useRefusal(action: string): string | undefined {
  const may = useMay();
  return may(action) ? undefined : `None of your roles lets you do this (${action}). Ask an owner or admin.`;
}
