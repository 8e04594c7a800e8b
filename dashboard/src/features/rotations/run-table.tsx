import type { RotationRunRowFragment } from '../../gql/graphql.ts';
import { TimeText } from '../../ui/time-text.tsx';

const steps = {
  CREATING: 'asking for a new key',
  DELIVERING: 'handing the new value over',
  VERIFYING: 'trying the new key',
  SWITCHING: 'making it current',
  WATCHING: 'watching what upstreams say of it',
  GRACE: 'waiting before the old key is ended',
  REVOKING: 'ending the old key',
  UNDOING: 'going back to the old key',
} as const;

const outcomes = {
  DONE: ['allow', 'Done'],
  FAILED: ['deny', 'Failed: the old version stayed'],
  ROLLED_BACK: ['deny', 'Rolled back'],
  SUPERSEDED: ['warn', 'Superseded by hand'],
  CANCELLED: ['warn', 'Cancelled'],
} as const;

/** The last times that a secret was rotated, and where one stands that is under way. */
export function RunTable({ runs }: { readonly runs: readonly RotationRunRowFragment[] }) {
  if (runs.length === 0) return <p className="nothing">It was not rotated yet.</p>;
  return (
    <table className="rows">
      <caption>Runs</caption>
      <thead>
        <tr>
          <th scope="col">Began</th>
          <th scope="col">Because</th>
          <th scope="col">Versions</th>
          <th scope="col">State</th>
          <th scope="col">Ended</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td>
              <TimeText at={run.startedAt} />
            </td>
            <td>{run.cause}</td>
            <td className="mono">
              {run.oldVersion} → {run.newVersion ?? '?'}
            </td>
            <td>
              <RunState run={run} />
            </td>
            <td>{run.finishedAt === null ? <span className="dim">–</span> : <TimeText at={run.finishedAt} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RunState({ run }: { readonly run: RotationRunRowFragment }) {
  const { outcome, step, problem, watchUntil, graceUntil } = run;
  const until = step === 'WATCHING' ? watchUntil : step === 'GRACE' ? graceUntil : null;
  const [tone, text] = outcome === null ? ['', `Under way: ${steps[step]}`] : outcomes[outcome];
  return (
    <>
      <span className={`tag ${tone}`}>{text}</span>
      {outcome === null && until !== null && (
        <span className="dim">
          {' '}
          until <TimeText at={until} />
        </span>
      )}
      {problem !== null && <div className="dim">{problem}</div>}
    </>
  );
}
