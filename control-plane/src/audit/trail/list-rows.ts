import { readOwnEntry, ownWorker } from '@onecli/shared/domain/audit-trail/own-entry';
import { readEntry } from '@onecli/shared/domain/audit-entry';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';
import { DetailOpener } from '../detail-seal.ts';
import { adminEventJson } from './admin-entries.ts';

export type ListRow = Readonly<Record<string, unknown>>;

/** Where the row of an entry is to be found: the event's id, and the time of a request. */
export interface RowKey {
  readonly id: string;
  readonly timeMs: number | undefined;
  /** A row is there only if the request's outcome is not known. */
  readonly isIntent: boolean;
}

/** Undefined for an entry that has no row of its own, or cannot be read. */
export function rowKeyOf(worker: string, boot: string, line: string): RowKey | undefined {
  try {
    if (worker === ownWorker) {
      const entry = readOwnEntry(line)?.entry;
      return entry?.kind === 'ADMIN'
        ? { id: String(entry.event['id']), timeMs: undefined, isIntent: false }
        : undefined;
    }
    const entry = readEntry(line);
    const isIntent = entry.kind === 'INTENT';
    if (isIntent && entry.of !== undefined) return undefined;
    const id = `${worker}-${boot}-${(entry.of ?? entry.sequence).toString(36)}`;
    return { id, timeMs: entry.timeMs, isIntent };
  } catch {
    return undefined;
  }
}

/** The rows of the list that entries made, by their ids, as entries would say them. */
export async function readListRows(
  manager: EntityManager,
  keyring: Keyring,
  keys: readonly RowKey[],
): Promise<ReadonlyMap<string, ListRow>> {
  const requests = keys.filter(({ timeMs }) => timeMs !== undefined);
  const rows = new Map<string, ListRow>();
  const opener = new DetailOpener(keyring);
  if (requests.length > 0)
    for (const row of await readRequests(manager, requests)) rows.set(row.id, toRow(row, opener));
  const admin = keys.filter(({ timeMs }) => timeMs === undefined).map(({ id }) => id);
  if (admin.length === 0) return rows;
  const events = await manager.query<{ id: string; event: ListRow }[]>(
    `SELECT id, ${adminEventJson} AS event FROM admin_event WHERE id::text = ANY ($1)`,
    [admin],
  );
  for (const { id, event } of events) rows.set(id, event);
  return rows;
}

interface StoredRow {
  readonly id: string;
  readonly time: Date;
  readonly sealed_detail: Buffer;
  readonly numbers: readonly number[];
  readonly texts: readonly (string | null)[];
  readonly secrets: readonly string[];
  /** Null in rows of a release that did not count them. */
  readonly finding_count: number | null;
}

function readRequests(manager: EntityManager, keys: readonly RowKey[]): Promise<StoredRow[]> {
  return manager.query(
    `SELECT e.id, e.time, e.sealed_detail, e.secrets, e.finding_count,
       ARRAY[e.revision, e.port, e.status, e.request_bytes, e.response_bytes]::float8[] || e.latency_ms::float8 AS numbers,
       ARRAY[e.worker, e.request_id, e.agent_id::text, e.agent, e.decision, e.reason, e.rule, e.host, e.method] AS texts
     FROM unnest($1::float8[], $2::text[]) AS k(ms, id)
     JOIN audit_event e ON e.time = to_timestamp(k.ms / 1000) AND e.id = k.id`,
    [keys.map(({ timeMs }) => timeMs), keys.map(({ id }) => id)],
  );
}

function toRow(row: StoredRow, opener: DetailOpener): ListRow {
  const { id, time, sealed_detail: sealed, numbers, texts, secrets, finding_count: count } = row;
  const [revision, port, status, requestBytes, responseBytes, latencyMs] = numbers;
  const [worker, requestId, agentId, agent, decision, reason, rule, host, method] = texts;
  const detail = opened(id, sealed, opener);
  const whose = { worker, revision, requestId, agentId, agent };
  const what = { decision, reason, rule, host, port, method, path: detail['path'] ?? null, status, latencyMs };
  return {
    id,
    timeMs: time.getTime(),
    ...whose,
    ...what,
    requestBytes,
    responseBytes,
    secrets,
    findings: isCounted(detail['findings'], count) ? detail['findings'] : null,
  };
}

/** Lists are asked for what has findings by the count beside them. */
function isCounted(findings: unknown, count: number | null): boolean {
  return Array.isArray(findings) && (count === null || count === findings.length);
}

function opened(id: string, sealed: Buffer, opener: DetailOpener): ListRow {
  try {
    return JSON.parse(opener.open(id, sealed)) as ListRow;
  } catch (error) {
    // That it does not open is what the verification is to find.
    if (error instanceof VaultFault) return {};
    throw error;
  }
}
