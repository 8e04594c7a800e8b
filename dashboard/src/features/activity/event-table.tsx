import { type Column, DataTable } from '../../ui/data-table.tsx';
import { DecisionTag } from '../../ui/decision-tag.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import type { PlacedEvent } from './event-list.ts';

interface EventTableProps {
  readonly events: readonly PlacedEvent[];
  readonly open: (event: PlacedEvent) => void;
}

const columns: readonly Column<PlacedEvent>[] = [
  { head: 'Time', cell: ({ node }) => <TimeText at={node.time} /> },
  {
    head: 'Decision',
    cell: ({ node: { decision, reason, findings } }) => (
      <>
        <DecisionTag decision={decision} />
        {reason !== 'ALLOWED' && <span className="reason wide-only">{reason}</span>}
        {findings.length > 0 && <span className="tag warn">Finding</span>}
      </>
    ),
  },
  { head: 'Agent', isMinor: true, cell: (event) => <AgentName event={event} /> },
  {
    head: 'Request',
    kind: 'target',
    // A press of it goes on to the row, which opens.
    cell: (event) => (
      <>
        <button type="button" className="plain">
          <span className="method">{event.node.method}</span> {targetOf(event)}
        </button>
        <div className="narrow-only dim">
          <AgentName event={event} />
          {event.node.reason !== 'ALLOWED' && ` · ${event.node.reason}`}
        </div>
      </>
    ),
  },
  { head: 'Secrets', kind: 'mono', isMinor: true, cell: ({ node }) => node.secrets.join(', ') },
  { head: 'Status', kind: 'number', isMinor: true, cell: ({ node: { status } }) => (status === 0 ? '–' : status) },
  { head: 'ms', kind: 'number', isMinor: true, cell: ({ node }) => Math.round(node.latencyMs) },
];

/** One line for each request; its target is the button that opens it. */
export function EventTable({ events, open }: EventTableProps) {
  return <DataTable columns={columns} rows={events} rowKey={({ node }) => node.id} open={open} />;
}

function AgentName({ event: { node } }: { readonly event: PlacedEvent }) {
  return node.agent ?? <span className="dim">unknown</span>;
}

/** Where the request went, as one would type it. */
export function targetOf({ node: { host, port, path } }: PlacedEvent): string {
  // What was refused by its head alone may have named none.
  if (host === '') return 'no target';
  return `${host}${port === 443 || port === 80 ? '' : `:${port}`}${path ?? ''}`;
}
