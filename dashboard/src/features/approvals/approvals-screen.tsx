import { useEffect, useRef } from 'react';
import { useIsConnected } from '../../api/use-is-connected.ts';
import { type NamedList, useNamedList } from '../../api/use-named-list.ts';
import { type ApprovalRowFragment, DecidedApprovalsDocument } from '../../gql/graphql.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Loading } from '../../ui/loading.tsx';
import { MoreRows } from '../../ui/more-rows.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { DecidedTable } from './decided-table.tsx';
import { PendingTable } from './pending-table.tsx';
import { usePending } from './use-pending.ts';

/** What agents ask persons to approve: what waits, as it comes, and what became of the rest. */
export function ApprovalsScreen() {
  const pending = usePending();
  const decided = useNamedList(DecidedApprovalsDocument, ({ approvals }) => approvals);
  useRereadWhenGone(pending.rows, decided);
  const isConnected = useIsConnected();
  const error = pending.error ?? decided.error;
  // What was asked for anew since it was decided waits again.
  const waiting = new Set(pending.rows?.map(({ id }) => id));
  const others = decided.rows?.filter(({ id }) => !waiting.has(id)) ?? [];
  const isLoading = [pending, decided].some(({ rows, error }) => rows === undefined && error === undefined);
  return (
    <div className="stack">
      <div className="head">
        <h1>Approvals</h1>
        <span role="status" className={isConnected ? 'dot on' : 'dot'}>
          {isConnected ? 'Live' : 'Connecting…'}
        </span>
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {isLoading && <Loading />}
      {pending.rows !== undefined && <Waiting rows={pending.rows} reread={decided.reread} />}
      {others.length > 0 && (
        <section className="panel table">
          <DecidedTable rows={others} reread={decided.reread} />
        </section>
      )}
      {decided.hasMore && <MoreRows label="More" read={decided.readMore} count={decided.rows?.length ?? 0} />}
    </div>
  );
}

/** So many come at once. */
const mostPending = 200;

interface WaitingProps {
  readonly rows: readonly ApprovalRowFragment[];
  readonly reread: () => Promise<void>;
}

function Waiting({ rows, reread }: WaitingProps) {
  if (rows.length === 0)
    return (
      <EmptyState title="Nothing waits for a person">
        A rule asks when its policy says so: <code>allow: {'{ hosts: [api.example.com], approval: true }'}</code>, or “A
        person has to approve” in the policy’s form. What agents are refused by it shows here as it comes.
      </EmptyState>
    );
  return (
    <>
      <section className="panel table">
        <PendingTable rows={rows} reread={reread} />
      </section>
      {rows.length >= mostPending && <p className="lead">The newest {mostPending} of them.</p>}
    </>
  );
}

/** What waits no more was decided, by whomever: it is among the others now. */
function useRereadWhenGone(
  rows: readonly ApprovalRowFragment[] | undefined,
  { reread }: NamedList<ApprovalRowFragment>,
): void {
  const before = useRef<readonly ApprovalRowFragment[]>([]);
  useEffect(() => {
    if (rows === undefined) return;
    const ids = new Set(rows.map(({ id }) => id));
    const isGone = before.current.some(({ id }) => !ids.has(id));
    before.current = rows;
    // Why it could not be read the list tells.
    if (isGone) reread().catch(() => undefined);
    // `reread` is another function each time: what counts is what waits.
  }, [rows]);
}
