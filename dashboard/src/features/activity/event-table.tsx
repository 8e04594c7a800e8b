import { DecisionTag } from '../../ui/decision-tag.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import type { PlacedEvent } from './event-list.ts';

interface EventTableProps {
  readonly events: readonly PlacedEvent[];
  readonly open: (event: PlacedEvent) => void;
}

/** One line for each request; its target is the button that opens it. */
export function EventTable({ events, open }: EventTableProps) {
  return (
    <table className="rows events">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Decision</th>
          <th scope="col">Agent</th>
          <th scope="col">Request</th>
          <th scope="col">Secrets</th>
          <th scope="col" className="number">
            Status
          </th>
          <th scope="col" className="number">
            ms
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <EventLine key={event.node.id} event={event} open={open} />
        ))}
      </tbody>
    </table>
  );
}

function EventLine({ event, open }: { readonly event: PlacedEvent; readonly open: EventTableProps['open'] }) {
  const { time, decision, reason, agent, method, secrets, status, latencyMs, findings } = event.node;
  return (
    <tr onClick={() => open(event)} className="clickable">
      <td>
        <TimeText at={time} />
      </td>
      <td>
        <DecisionTag decision={decision} />
        {reason !== 'ALLOWED' && <span className="reason">{reason}</span>}
        {findings.length > 0 && <span className="tag warn">Finding</span>}
      </td>
      <td>{agent ?? <span className="dim">unknown</span>}</td>
      <td className="target">
        <button type="button" className="plain">
          <span className="method">{method}</span> {targetOf(event)}
        </button>
      </td>
      <td className="mono">{secrets.join(', ')}</td>
      <td className="number">{status === 0 ? '–' : status}</td>
      <td className="number">{Math.round(latencyMs)}</td>
    </tr>
  );
}

/** Where the request went, as one would type it. */
export function targetOf({ node: { host, port, path } }: PlacedEvent): string {
  return `${host}${port === 443 || port === 80 ? '' : `:${port}`}${path ?? ''}`;
}
