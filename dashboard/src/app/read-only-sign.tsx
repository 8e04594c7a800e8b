import { useQuery } from '@apollo/client/react';
import { MeDocument } from '../gql/graphql.ts';

/** Says that the caller may look and change nothing, where it is so. */
export function ReadOnlySign() {
  const { data } = useQuery(MeDocument, { fetchPolicy: 'cache-first' });
  if (data === undefined || data.me.actionsSomewhere.some((action) => !/^own:|:read$/.test(action))) return null;
  const roles = [...new Set(data.me.roles.map(({ role }) => role.toLowerCase().replace('_', '-')))].join(', ');
  return (
    <span className="tag warn" title={`Your role (${roles}) lets you look, and change nothing but your own login.`}>
      Read only
    </span>
  );
}
