import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { openMessage, sealMessage } from '../../vault/sealed-message.ts';

/** A batch as it lies in the queue: base64 of the sealed, deflated JSON of its columns. */
export interface SealedBatch {
  readonly sealed: string;
}

type Field = keyof AuditEvent;
/**
 * One list for each field, in the order of the events, or of one value that all events have. JSON has `null` for what an
 * event does not have.
 */
type Columns = Record<Field, readonly unknown[]>;

const purpose = 'audit-batch';

/** A record, so that a field that is added to the event cannot be forgotten here. */
const columnOf: Readonly<Record<Field, (event: AuditEvent) => unknown>> = {
  id: (event) => event.id,
  timeMs: (event) => event.timeMs,
  worker: (event) => event.worker,
  revision: (event) => event.revision,
  requestId: (event) => event.requestId,
  agentId: (event) => event.agentId,
  agent: (event) => event.agent,
  decision: (event) => event.decision,
  reason: (event) => event.reason,
  rule: (event) => event.rule,
  host: (event) => event.host,
  port: (event) => event.port,
  method: (event) => event.method,
  path: (event) => event.path,
  status: (event) => event.status,
  latencyMs: (event) => event.latencyMs,
  requestBytes: (event) => event.requestBytes,
  responseBytes: (event) => event.responseBytes,
  secrets: (event) => event.secrets,
  findings: (event) => event.findings,
};
const fields = Object.keys(columnOf) as Field[];

/**
 * Puts events for the queue into one text, by column: neighbours are much alike, and a batch is a tenth of its JSON once it
 * is deflated, which every step after that one pays for by the byte.
 */
export function packBatch(events: readonly AuditEvent[]): string {
  return JSON.stringify(Object.fromEntries(fields.map((field) => [field, toColumn(events, columnOf[field])])));
}

/**
 * Deflates and seals what `packBatch` made.
 * @param key the 32-byte key derived for `audit-queue`
 */
export function sealBatch(key: Buffer, packed: string): SealedBatch {
  const deflated = deflateRawSync(Buffer.from(packed, 'utf8'), { level: 1 });
  return { sealed: sealMessage(key, purpose, deflated).toString('base64') };
}

/** @throws VaultFault CANNOT_OPEN for what was not sealed with this key */
export function openBatch(key: Buffer, batch: SealedBatch): readonly AuditEvent[] {
  const packed = openMessage(key, purpose, Buffer.from(String(batch.sealed), 'base64'));
  const columns = JSON.parse(inflateRawSync(packed).toString('utf8')) as Columns;
  return columns.id.map((_, row) => eventOf(columns, row));
}

function toColumn(events: readonly AuditEvent[], pick: (event: AuditEvent) => unknown): readonly unknown[] {
  const [first] = events;
  if (first === undefined) return [];
  const value = pick(first);
  return events.every((event) => isSame(pick(event), value)) ? [value] : events.map(pick);
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!Array.isArray(one) || !Array.isArray(other)) return false;
  return one.length === other.length && one.every((element, index) => element === other[index]);
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
