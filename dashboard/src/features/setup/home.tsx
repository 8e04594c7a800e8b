import { useQuery } from '@apollo/client/react';
import { Navigate } from 'react-router';
import { HasConfigurationDocument } from '../../gql/graphql.ts';
import { Problem, problemText } from '../../ui/problem.tsx';

/** Where one begins: the set-up while there is nothing, then what happens. */
export function Home() {
  const { data, error } = useQuery(HasConfigurationDocument, { fetchPolicy: 'network-only' });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  if (data === undefined) return null;
  const isEmpty = data.secrets.nodes.length === 0 && data.agents.nodes.length === 0;
  return <Navigate to={isEmpty ? '/setup' : '/activity'} replace />;
}
