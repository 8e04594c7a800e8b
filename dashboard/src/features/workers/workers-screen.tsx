import { useQuery } from '@apollo/client/react';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type WorkersQuery, ForgetWorkerDocument, WorkersDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { bytesText, shortNumber } from '../../ui/number-text.ts';
import { Problem, problemText } from '../../ui/problem.tsx';
import { AgoText } from '../../ui/ago-text.tsx';
import { type WorkerHealth, healthOf } from './worker-health.ts';

type Worker = WorkersQuery['workers']['nodes'][number];

const pollMs = 3_000;

/** The processes that carry the traffic, as they last reported themselves. */
export function WorkersScreen() {
  const { data, error, refetch } = useQuery(WorkersDocument, {
    fetchPolicy: 'network-only',
    pollInterval: pollMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  const workers = data?.workers.nodes;
  return (
    <>
      <div className="head">
        <h1>Workers</h1>
        {data !== undefined && <span className="lead">The configuration is at revision {data.revision}</span>}
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {workers?.length === 0 && (
        <EmptyState title="No worker has reported yet">
          Without one no request gets through. <code>npm start</code> starts one beside the control plane;
          docs/cluster.md tells how to start more.
        </EmptyState>
      )}
      {workers !== undefined && workers.length > 0 && (
        <div className="panel table">
          <DataTable
            columns={columnsAt(data?.revision ?? 0, async () => void (await refetch()))}
            rows={workers}
            rowKey={({ name }) => name}
          />
        </div>
      )}
      {data?.workers.pageInfo.hasNextPage === true && <p className="lead more">The first 200 of them by name.</p>}
    </>
  );
}

function columnsAt(revision: number, reread: () => Promise<void>): readonly Column<Worker>[] {
  const load = (show: (load: NonNullable<Worker['load']>) => string) => (worker: Worker) =>
    worker.load === null || !worker.isLive ? <span className="dim">–</span> : show(worker.load);
  return [
    { head: 'Name', kind: 'mono', cell: ({ name }) => name },
    {
      head: 'Health',
      // The table has no room for a column more.
      cell: (worker) => (
        <>
          <Health health={healthOf(worker, revision)} /> {!worker.isLive && <Forget name={worker.name} done={reread} />}
        </>
      ),
    },
    { head: 'Revision', kind: 'number', cell: ({ appliedRevision }) => appliedRevision },
    { head: 'Requests/s', kind: 'number', cell: load(({ requestsPerSecond }) => shortNumber(requestsPerSecond)) },
    { head: 'Connections', kind: 'number', cell: load(({ connections }) => shortNumber(connections)) },
    { head: 'CPU', kind: 'number', cell: load(({ cpuShare }) => `${Math.round(cpuShare * 100)} %`) },
    { head: 'Memory', kind: 'number', cell: load(({ memoryBytes }) => bytesText(memoryBytes)) },
    {
      head: 'Not yet written',
      kind: 'number',
      cell: load(({ spoolBytes }) => (spoolBytes === null ? '–' : bytesText(spoolBytes))),
    },
    { head: 'Version', kind: 'mono', cell: ({ version }) => version },
    { head: 'Seen', cell: ({ seenAt }) => <AgoText at={seenAt} /> },
    { head: 'Started', cell: ({ startedAt }) => <AgoText at={startedAt} /> },
  ];
}

function Forget({ name, done }: { readonly name: string; readonly done: () => Promise<void> }) {
  const act = useAct(ForgetWorkerDocument, done);
  return (
    <Confirm
      label="Forget"
      title={`Forget ${name}?`}
      act={act({ name })}
      isDangerous
      refused={useRefusal('worker:forget')}
    >
      For a worker that was stopped for good: changes no longer wait for word from it. If it still runs it goes on by
      what it has, revoked or not: stop it first. When it reports again it is back here. What it audited stays.
    </Confirm>
  );
}

function Health({ health: { tone, text } }: { readonly health: WorkerHealth }) {
  return <span className={`tag ${tone} flush`}>{text}</span>;
}
