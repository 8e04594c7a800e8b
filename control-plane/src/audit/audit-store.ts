import { auditDetailContext } from '@onecli/shared/seal-contexts';
import type { AuditEvent, Finding } from '@onecli/shared/domain/audit-event';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { type AuditPlace, readAuditCursor, writeAuditCursor } from './audit-cursor.ts';
import type { AuditFilter } from './audit-filter.ts';

/** An audit event as the API gives it. */
export interface AuditView {
  readonly id: string;
  readonly time: Date;
  readonly agent: string | null;
  readonly decision: 'allow' | 'deny';
  readonly reason: string;
  readonly rule: string | null;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Null when the sealed part of the row does not open: somebody altered it. */
  readonly path: string | null;
  readonly status: number;
  readonly latencyMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly secrets: readonly string[];
  readonly findings: readonly Finding[];
  readonly requestId: string;
  readonly revision: number;
  readonly worker: string;
}

export interface AuditPage {
  readonly items: readonly AuditView[];
  /** Cursor of the next page, or null at the end. */
  readonly next: string | null;
}

export interface AuditPageOptions {
  readonly after?: string | undefined;
  readonly limit: number;
}

const findingForm = z.object({
  kind: z.enum(['PLACEHOLDER_NOT_GRANTED', 'PLACEHOLDER_NOT_BOUND', 'PLACEHOLDER_IN_BODY']),
  place: z.string(),
});
const detailForm = z.object({ path: z.string(), findings: z.array(findingForm) });

/** Columns in the order of `insert`, with the type of the array that carries each. Secrets travel as JSON: lists of lists flatten. */
const columns = {
  time: 'timestamptz',
  id: 'text',
  revision: 'bigint',
  worker: 'text',
  request_id: 'text',
  agent_id: 'uuid',
  agent: 'text',
  decision: 'text',
  reason: 'text',
  rule: 'text',
  host: 'text',
  port: 'integer',
  method: 'text',
  status: 'integer',
  latency_ms: 'real',
  request_bytes: 'bigint',
  response_bytes: 'bigint',
  secrets: 'jsonb',
  sealed_detail: 'bytea',
} as const;
const names = Object.keys(columns);
const insertStatement = `INSERT INTO audit_event (${names.join(', ')})
  SELECT ${names.map((name) => (name === 'secrets' ? 'ARRAY(SELECT jsonb_array_elements_text(e.secrets))' : `e.${name}`)).join(', ')}
  FROM unnest(${Object.values(columns)
    .map((type, index) => `$${index + 1}::${type}[]`)
    .join(', ')}) AS e(${names.join(', ')})
  ON CONFLICT DO NOTHING`;

/** Where audit events lie. Path and findings are sealed, each for its own event. */
export class AuditStore {
  readonly #database: DataSource;
  readonly #keyring: Keyring;

  constructor(database: DataSource, keyring: Keyring) {
    this.#database = database;
    this.#keyring = keyring;
  }

  /** Writes events in one statement. One that is already there stays as it is: writing a batch twice changes nothing. */
  async insert(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return;
    const rows = events.map((event) => this.#toRow(event));
    const arrays = names.map((_, column) => rows.map((row) => row[column]));
    await this.#database.query(insertStatement, arrays);
  }

  /**
   * A page of events, the newest first. Events that come in meanwhile neither shift nor repeat what follows the cursor.
   * @throws Fault INVALID for a cursor that is none
   */
  async list(filter: AuditFilter, { after, limit }: AuditPageOptions): Promise<AuditPage> {
    const place = after === undefined ? undefined : readAuditCursor(after);
    const { where, values } = conditions(filter, place);
    const rows: StoredEvent[] = await this.#database.query(
      `SELECT time, id, revision, worker, request_id, agent, decision, reason, rule, host, port, method, status, latency_ms,
              request_bytes, response_bytes, secrets, sealed_detail
       FROM audit_event ${where} ORDER BY time DESC, id DESC LIMIT ${limit + 1}`,
      values,
    );
    const items = rows.slice(0, limit).map((row) => this.#toView(row));
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : writeAuditCursor({ timeMs: last.time.getTime(), id: last.id }) };
  }

  #toRow(event: AuditEvent): unknown[] {
    const detail = Buffer.from(JSON.stringify({ path: event.path, findings: event.findings }), 'utf8');
    return [
      new Date(event.timeMs).toISOString(),
      event.id,
      event.revision,
      plain(event.worker),
      plain(event.requestId),
      event.agentId ?? null,
      event.agent === undefined ? null : plain(event.agent),
      event.decision,
      plain(event.reason),
      event.rule === undefined ? null : plain(event.rule),
      plain(event.host),
      whole(event.port),
      plain(event.method),
      whole(event.status),
      Number.isFinite(event.latencyMs) ? event.latencyMs : 0,
      whole(event.requestBytes),
      whole(event.responseBytes),
      plain(JSON.stringify(event.secrets)),
      seal(this.#keyring, auditDetailContext(event.id), detail),
    ];
  }

  #toView(row: StoredEvent): AuditView {
    const { path, findings } = this.#openDetail(row);
    return {
      id: row.id,
      time: row.time,
      agent: row.agent,
      decision: row.decision,
      reason: row.reason,
      rule: row.rule,
      host: row.host,
      port: row.port,
      method: row.method,
      path,
      status: row.status,
      latencyMs: row.latency_ms,
      requestBytes: Number(row.request_bytes),
      responseBytes: Number(row.response_bytes),
      secrets: row.secrets,
      findings,
      requestId: row.request_id,
      revision: Number(row.revision),
      worker: row.worker,
    };
  }

  /** One row that was altered must not hide all others. */
  #openDetail(row: StoredEvent): { path: string | null; findings: Finding[] } {
    try {
      const detail = open(this.#keyring, auditDetailContext(row.id), row.sealed_detail);
      return detailForm.parse(JSON.parse(detail.toString('utf8')));
    } catch (error) {
      if (error instanceof VaultFault) return { path: null, findings: [] };
      throw error;
    }
  }
}

/** A row as `pg` gives it: bigint as text. */
interface StoredEvent {
  readonly time: Date;
  readonly id: string;
  readonly revision: string;
  readonly worker: string;
  readonly request_id: string;
  readonly agent: string | null;
  readonly decision: 'allow' | 'deny';
  readonly reason: string;
  readonly rule: string | null;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly status: number;
  readonly latency_ms: number;
  readonly request_bytes: string;
  readonly response_bytes: string;
  readonly secrets: string[];
  readonly sealed_detail: Buffer;
}

function conditions(filter: AuditFilter, place: AuditPlace | undefined): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const terms: string[] = [];
  const add = (term: (...parameters: string[]) => string, ...given: unknown[]): void => {
    terms.push(term(...given.map((value) => `$${values.push(value)}`)));
  };
  if (filter.agent !== undefined) add((agent) => `agent = ${agent}`, filter.agent);
  if (filter.host !== undefined) add((host) => `host = ${host}`, filter.host);
  if (filter.decision !== undefined) add((decision) => `decision = ${decision}`, filter.decision);
  if (filter.since !== undefined) add((since) => `time >= ${since}`, new Date(filter.since));
  if (filter.until !== undefined) add((until) => `time < ${until}`, new Date(filter.until));
  if (place !== undefined) add((time, id) => `(time, id) < (${time}, ${id})`, new Date(place.timeMs), place.id);
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}

/** Postgres keeps no NUL in text; an event that holds one must not hold up its batch for ever. */
function plain(text: string): string {
  return text.replaceAll('\0', '\u{fffd}');
}

function whole(value: number): number {
  return Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : 0;
}
