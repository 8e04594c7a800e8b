/*
 * Batches as workers of the release before the spool put them into the queue: the events of requests that are over, as columns.
 * A column is one list for each field, in the order of the events, or of one value that all events have. JSON has `null` for what an
 * event does not have. Such batches may wait in the queue while the product is brought up to date, and workers that are not yet
 * go on adding them.
 */
import type { AuditEvent } from '../../domain/audit-event.ts';

type Field = keyof AuditEvent;
type Columns = Record<Field, readonly unknown[]>;

/** The events of a batch's text. @throws SyntaxError for a text that is none */
export function eventsOf(packed: string): readonly AuditEvent[] {
  const columns = JSON.parse(packed) as Columns;
  if (!Array.isArray(columns.id)) throw new SyntaxError('A batch of audit events has no ids');
  return columns.id.map((_, row) => eventOf(columns, row));
}

function eventOf(columns: Columns, row: number): AuditEvent {
  const at = <F extends Field>(field: F): AuditEvent[F] => {
    const column = columns[field];
    return (column[column.length === 1 ? 0 : row] ?? undefined) as AuditEvent[F];
  };
  return {
    id: at('id'),
    timeMs: at('timeMs'),
    worker: at('worker'),
    revision: at('revision'),
    requestId: at('requestId'),
    agentId: at('agentId'),
    agent: at('agent'),
    decision: at('decision'),
    reason: at('reason'),
    rule: at('rule'),
    host: at('host'),
    port: at('port'),
    method: at('method'),
    path: at('path'),
    status: at('status'),
    latencyMs: at('latencyMs'),
    requestBytes: at('requestBytes'),
    responseBytes: at('responseBytes'),
    secrets: at('secrets'),
    findings: at('findings'),
  };
}
