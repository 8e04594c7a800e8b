import { type AuditEvent, type Finding, findingKinds } from '@onecli/shared/domain/audit-event';
import { Fault } from '@onecli/shared/fault';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource, EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Reach } from '../auth/authorize.ts';
import { insertOf } from './audit-columns.ts';
import { conditions } from './audit-conditions.ts';
import { readAuditCursor, writeAuditCursor } from './audit-cursor.ts';
import type { AuditFilter } from './audit-filter.ts';
import { canCopy, copyEvents } from './copy-events.ts';
import { DetailOpener } from './detail-seal.ts';
import { horizonSql } from './write-order.ts';

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
  kind: z.enum(findingKinds),
  place: z.string(),
});
const detailForm = z.object({ path: z.string(), findings: z.array(findingForm) });

/** Where audit events lie. Path and findings are sealed, each for its own event. */
export class AuditStore {
  readonly #database: DataSource;
  readonly #keyring: Keyring;

  constructor(database: DataSource, keyring: Keyring) {
    this.#database = database;
    this.#keyring = keyring;
  }

  /** Writes events in one statement. One that is already there stays as it is: writing a batch twice changes nothing. */
  async insert(events: readonly AuditEvent[], manager?: EntityManager): Promise<void> {
    if (events.length === 0) return;
    const { text, values } = insertOf(events, this.#keyring);
    await (manager ?? this.#database).query(text, [...values]);
  }

  /**
   * Writes events of which none is there yet, within a transaction; where one is, that is lost, and they have to be inserted in another.
   * @throws EventIsThere
   */
  async append(events: readonly AuditEvent[], manager: EntityManager): Promise<void> {
    if (!canCopy(events)) return this.insert(events, manager);
    if (events.length > 0) await copyEvents(manager, this.#keyring, events);
  }

  /** One event. @throws Fault INVALID for a cursor of no event */
  async at(cursor: string): Promise<AuditView> {
    const { timeMs, id } = readAuditCursor(cursor);
    const [row]: StoredEvent[] = await this.#database.query('SELECT * FROM audit_event WHERE time = $1 AND id = $2', [
      new Date(timeMs),
      id,
    ]);
    if (row === undefined)
      throw new Fault('INVALID', 'It is the cursor of no event that is there', { field: 'auditEvent' });
    return toView(row, new DetailOpener(this.#keyring));
  }

  /** Where an event stands in the order of writing, or, without one, where that ends now. @throws Fault INVALID */
  async writePlace(cursor: string | undefined): Promise<WritePlace> {
    if (cursor === undefined) return { transaction: await this.#horizon(), place: '0' };
    const { timeMs, id } = readAuditCursor(cursor);
    const [row]: { written_by: string | null; written_at_place: string | null }[] = await this.#database.query(
      'SELECT written_by, written_at_place FROM audit_event WHERE time = $1 AND id = $2',
      [new Date(timeMs), id],
    );
    if (row === undefined)
      throw new Fault('INVALID', '`after` is an event that is not there any more', { field: 'after' });
    return { transaction: row.written_by ?? '0', place: row.written_at_place ?? '0' };
  }

  /**
   * Events in the order in which they were written, after a place, each once; and the place to go on from. An event of a
   * transaction is only given when no earlier one can still commit: a sequence alone would let a reader see 11 before 10.
   */
  async since(
    filter: AuditFilter,
    { transaction, place }: WritePlace,
    { limit, reach }: { readonly limit: number; readonly reach: Reach },
  ): Promise<{ readonly items: readonly AuditView[]; readonly next: WritePlace }> {
    const horizon = await this.#horizon();
    const { where, values } = conditions(filter, undefined, reach);
    const at = values.length;
    const rows: (StoredEvent & { written_by: string; written_at_place: string })[] = await this.#database.query(
      `SELECT time, id, revision, worker, request_id, agent, decision, reason, rule, host, port, method, status, latency_ms,
              request_bytes, response_bytes, secrets, sealed_detail, written_by, written_at_place
       FROM audit_event ${where === '' ? 'WHERE' : `${where} AND`}
         (written_by, written_at_place) > ($${at + 1}::bigint, $${at + 2}::bigint) AND written_by < $${at + 3}::bigint
       ORDER BY written_by, written_at_place LIMIT ${limit}`,
      [...values, transaction, place, horizon],
    );
    const opener = new DetailOpener(this.#keyring);
    const last = rows.at(-1);
    const isMore = rows.length === limit && last !== undefined;
    const next = isMore
      ? { transaction: last.written_by, place: last.written_at_place }
      : furthest({ transaction, place }, horizon);
    return { items: rows.map((row) => toView(row, opener)), next };
  }

  /** The place of the last event before the first transaction that may still commit: another whenever `since` gives more. */
  async lastWritten(): Promise<string> {
    const [row]: { written_by: string; written_at_place: string }[] = await this.#database.query(
      `SELECT written_by, written_at_place FROM audit_event
       WHERE written_by < ${horizonSql}
       ORDER BY written_by DESC, written_at_place DESC LIMIT 1`,
    );
    return row === undefined ? '' : `${row.written_by} ${row.written_at_place}`;
  }

  /** The first transaction that may still commit. */
  async #horizon(): Promise<string> {
    const [row]: { horizon: string }[] = await this.#database.query(`SELECT ${horizonSql}::text AS horizon`);
    if (row === undefined) throw new Error('PostgreSQL gave no snapshot');
    return row.horizon;
  }

  /**
   * A page of events, the newest first. Events that come in meanwhile neither shift nor repeat what follows the cursor.
   * @throws Fault INVALID for a cursor that is none
   */
  async list(filter: AuditFilter, { after, limit }: AuditPageOptions, reach: Reach = '*'): Promise<AuditPage> {
    const place = after === undefined ? undefined : readAuditCursor(after);
    const { where, values } = conditions(filter, place, reach);
    const rows: StoredEvent[] = await this.#database.query(
      `SELECT time, id, revision, worker, request_id, agent, decision, reason, rule, host, port, method, status, latency_ms,
              request_bytes, response_bytes, secrets, sealed_detail
       FROM audit_event ${where} ORDER BY time DESC, id DESC LIMIT ${limit + 1}`,
      values,
    );
    const opener = new DetailOpener(this.#keyring);
    const items = rows.slice(0, limit).map((row) => toView(row, opener));
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : writeAuditCursor({ timeMs: last.time.getTime(), id: last.id }) };
  }
}

/** A place in the order of writing: after it, everything is still to come. */
export interface WritePlace {
  readonly transaction: string;
  readonly place: string;
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

function toView(row: StoredEvent, opener: DetailOpener): AuditView {
  const { path, findings } = openDetail(row, opener);
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

/** All before the horizon has been seen. */
function furthest(known: WritePlace, horizon: string): WritePlace {
  return BigInt(known.transaction) >= BigInt(horizon) ? known : { transaction: horizon, place: '-1' };
}

/** One row that was altered must not hide all others. */
function openDetail(row: StoredEvent, opener: DetailOpener): { path: string | null; findings: Finding[] } {
  try {
    return detailForm.parse(JSON.parse(opener.open(row.id, row.sealed_detail)));
  } catch (error) {
    if (error instanceof VaultFault) return { path: null, findings: [] };
    throw error;
  }
}
