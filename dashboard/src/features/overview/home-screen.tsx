import { useQuery } from '@apollo/client/react';
import { Navigate } from 'react-router';
import { useMay } from '../../api/use-may.ts';
import { OverviewCountsDocument } from '../../gql/graphql.ts';
import { Problem, problemText } from '../../ui/problem.tsx';
import { setupActions } from '../setup/setup-actions.ts';
import { OverviewScreen } from './overview-screen.tsx';

const pollMs = 15_000;

/** Where one begins: the set-up while there is nothing, then how things stand. */
export function HomeScreen() {
  const may = useMay();
  const { data, error } = useQuery(OverviewCountsDocument, {
    fetchPolicy: 'network-only',
    pollInterval: pollMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  if (data === undefined) return error === undefined ? null : <Problem>{problemText(error)}</Problem>;
  const { secrets, agents } = data.overview;
  // Null: the caller may not list them, and could not make any.
  if (secrets === 0 && agents === 0 && setupActions.every(may)) return <Navigate to="/setup" replace />;
  return (
    <>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      <OverviewScreen counts={data.overview} />
    </>
  );
}
