/* Audit events by PostgreSQL's COPY, which takes many rows for a third of what an INSERT of them costs this process. */
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { detailOf, listOf, whole } from './audit-columns.ts';
import { sealDetails } from './detail-seal.ts';

/** One of the events is there already: COPY has no ON CONFLICT, and the transaction is lost. */
export class EventIsThere extends Error {
  override readonly name = 'EventIsThere';
}

const statement = `COPY audit_event (time, id, revision, worker, request_id, agent_id, agent, decision, reason, rule, host, port, method,
  status, latency_ms, request_bytes, response_bytes, finding_count, secrets, sealed_detail) FROM STDIN`;

/** Up to here the double of seconds that an INSERT is given, and rows are looked for by, tells each millisecond as ISO 8601 does. */
const endOfTimeMs = Date.UTC(2096, 0);

/** Whether COPY can be given these events: one of a moment that nobody lives in has to be found again as it is inserted. */
export function canCopy(events: readonly AuditEvent[]): boolean {
  return events.every(({ timeMs }) => timeMs >= 0 && timeMs < endOfTimeMs);
}

/** Writes events that `canCopy`, within a transaction. @throws EventIsThere */
export async function copyEvents(
  manager: EntityManager,
  keyring: Keyring,
  events: readonly AuditEvent[],
): Promise<void> {
  const details = sealDetails(keyring, events.map(detailOf));
  const data = Buffer.from(events.map((event, at) => lineOf(event, details[at] ?? '')).join(''));
  const client = (await manager.queryRunner?.connect()) as { query(copy: CopyIn): void } | undefined;
  if (client === undefined) throw new Error('Events are copied within a transaction');
  await new Promise<void>((resolve, reject) => {
    client.query(new CopyIn(data, (error) => (error ? reject(error) : resolve())));
  });
}

/** A row as the text format of COPY has it. */
function lineOf(event: AuditEvent, detail: string): string {
  const { timeMs, id, revision, worker, requestId, agentId, agent, decision, reason, rule, host, port, method } = event;
  const { status, latencyMs, requestBytes, responseBytes, findings, secrets } = event;
  const who = `${text(worker)}\t${text(requestId)}\t${text(agentId)}\t${text(agent)}`;
  const what = `${text(decision)}\t${text(reason)}\t${text(rule)}\t${text(host)}\t${whole(port)}\t${text(method)}`;
  const sizes = `${whole(requestBytes)}\t${whole(responseBytes)}\t${findings.length}`;
  const latency = Number.isFinite(latencyMs) ? latencyMs : 0;
  return `${timeOf(whole(timeMs))}\t${text(id)}\t${whole(revision)}\t${who}\t${what}\t${whole(status)}\t${latency}\t${sizes}\t${text(listOf(secrets))}\t\\\\x${detail}\n`;
}

/** Many events are of one millisecond. */
let lastTime = { ms: -1, text: '' };

function timeOf(ms: number): string {
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() };
  return lastTime.text;
}

const awkward = /[\\\t\n\r\0]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** PostgreSQL keeps no NUL in text; an event that holds one must not hold up its batch for ever. */
function text(value: string | undefined): string {
  if (value === undefined) return '\\N';
  if (!awkward.test(value)) return value;
  return value.replaceAll('\0', '\u{fffd}').replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}

/** What `pg` calls while a COPY runs (its protocol's "COPY Operations"). */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(data: Buffer): void;
  endCopyFrom(): void;
}

const uniqueViolation = '23505';

/** A COPY with all of its data at hand, as a query of `pg`, which has none of its own. */
class CopyIn {
  readonly #data: Buffer;
  readonly #done: (error?: Error) => void;
  #error: Error | undefined;

  constructor(data: Buffer, done: (error?: Error) => void) {
    this.#data = data;
    this.#done = done;
  }

  submit(connection: CopyConnection): void {
    connection.query(statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }

  /** Of the server, or of a connection that broke, after which nothing else comes. */
  handleError(error: Error & { code?: string }): void {
    this.#error = error.code === uniqueViolation ? new EventIsThere(error.message, { cause: error }) : error;
    this.#done(this.#error);
  }

  handleReadyForQuery(): void {
    if (this.#error === undefined) this.#done();
  }

  handleCommandComplete(): void {
    // The end that counts is ReadyForQuery.
  }
}
