/**
 * Counts audit events once, when they are written, by minute, quarter and hour. It follows the order in which they were committed, so
 * that one that comes late is counted where it belongs: what is not counted yet are the events of the transactions from `traffic_place` on.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { hasFailed } from '../audit/audit-conditions.ts';
import { horizonSql } from '../audit/write-order.ts';
import { boundStatements } from '../database/bounded-client.ts';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import { classSql } from './latency-classes.ts';
import { grains } from './traffic-grains.ts';

const lookEveryMs = 5_000;
const dropEveryMs = 3_600_000;
const batchEvents = 20_000;

/** The class of what was denied, and of all requests of a name together. */
export const deniedClass = -1;
export const allClass = -2;

/** Up to which transaction events are counted; undefined where the counts are of another life of the database. */
export async function countedTo(manager: EntityManager): Promise<string | undefined> {
  const [row] = await manager.query<{ written_by: string }[]>(
    'SELECT written_by FROM traffic_place p JOIN config_state c ON c.epoch = p.epoch',
  );
  return row?.written_by;
}

/** The class of an event's latency. */
export const eventClass = `CASE WHEN decision = 'deny' THEN ${deniedClass} ELSE ${classSql('latency_ms')} END`;

export class TrafficRollup implements LeaderJob {
  readonly name = 'traffic';
  readonly everyMs = lookEveryMs;
  readonly #database: DataSource;
  readonly #auditDays: number;
  readonly #batchEvents: number;
  #nextDropAt = Number.NEGATIVE_INFINITY;

  /** @param auditDays so long events are kept, and their counts no longer */
  constructor(database: DataSource, auditDays = Number.POSITIVE_INFINITY, batch = batchEvents) {
    this.#database = database;
    this.#auditDays = auditDays;
    this.#batchEvents = batch;
  }

  /** Counts what was written since, and drops counts that are kept no longer. */
  readonly look = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await this.#countBatch()));
    if (performance.now() < this.#nextDropAt) return;
    this.#nextDropAt = performance.now() + dropEveryMs;
    for (const { kind, seconds, keptDays } of grains)
      await this.#database.query(
        'DELETE FROM traffic WHERE grain = $1 AND kind = $2 AND at < now() - make_interval(days => $3)',
        // A day of more than is asked for: whoever asks now may have begun to before.
        [seconds, kind, Math.min(keptDays + 1, this.#auditDays)],
      );
  };

  /** Gives true when there is more. Two control planes that do it wait for one another here. */
  #countBatch(): Promise<boolean> {
    return this.#database.transaction('READ COMMITTED', async (manager) => {
      const from = await begin(manager);
      const [row] = await manager.query<{ to: string; is_more: boolean }[]>(
        `WITH horizon AS (SELECT ${horizonSql} AS at),
           batch AS (SELECT written_by FROM audit_event, horizon WHERE written_by >= $1 AND written_by < horizon.at
             ORDER BY written_by OFFSET $2 LIMIT 1)
         SELECT coalesce((SELECT greatest(written_by, $1::bigint + 1) FROM batch), greatest(at, $1::bigint)) AS to,
           EXISTS (SELECT FROM batch) AS is_more FROM horizon`,
        [from, this.#batchEvents],
      );
      if (row === undefined || row.to === from) return false;
      await count(manager, from, row.to);
      await manager.query('UPDATE traffic_place SET written_by = $1', [row.to]);
      return row.is_more;
    });
  }
}

/** The first transaction that is not counted yet, under a lock. After a restore all is counted anew: the events are others. */
async function begin(manager: EntityManager): Promise<string> {
  const [place] = await manager.query<{ written_by: string; is_current: boolean }[]>(
    `SELECT p.written_by, p.epoch = (SELECT epoch FROM config_state) AS is_current FROM traffic_place p FOR UPDATE`,
  );
  if (place === undefined) throw new Error('traffic_place has no row');
  if (place.is_current) return place.written_by;
  await manager.query('DELETE FROM traffic');
  await manager.query('UPDATE traffic_place SET written_by = 0, epoch = (SELECT epoch FROM config_state)');
  return '0';
}

const firstCountMs = 30 * 60_000;

async function count(manager: EntityManager, from: string, to: string): Promise<void> {
  // Events from before their order was written down have none: they come first.
  const ofFirst = from === '0' ? ' OR written_by IS NULL' : '';
  // They may be many millions, and are counted in one piece.
  const connection: unknown = await manager.queryRunner?.connect();
  if (ofFirst !== '') await manager.query(`SET LOCAL statement_timeout = ${firstCountMs}`);
  if (ofFirst !== '') boundStatements(connection, firstCountMs);
  try {
    await manager.query(countSql(ofFirst), [from, to]);
  } finally {
    // The connection goes back to its pool as it came.
    boundStatements(connection);
  }
}

function countSql(ofFirst: string): string {
  return `${summedSql(`audit_event WHERE (written_by >= $1 AND written_by < $2)${ofFirst}`)}
     INSERT INTO traffic (grain, kind, name, at, latency_class, count, failures) SELECT * FROM summed
     ON CONFLICT (grain, kind, name, at, latency_class) DO UPDATE
       SET count = traffic.count + excluded.count, failures = traffic.failures + excluded.failures`;
}

/** The SQL of what events come to, as `summed`, one row for each of the table's. @param events from where, and which */
export function summedSql(events: string): string {
  const list = grains.map(({ kind, seconds }) => `(${seconds}, '${kind}')`).join(', ');
  return `WITH fresh AS (
       SELECT floor(extract(epoch FROM time) / 60)::bigint * 60 AS minute, agent, host, ${eventClass} AS latency_class, count(*) AS count,
         count(*) FILTER (WHERE ${hasFailed}) AS failures
       FROM ${events} GROUP BY 1, 2, 3, 4),
     named AS (
       SELECT g.grain, g.kind, CASE g.kind WHEN 'agent' THEN agent WHEN 'host' THEN host ELSE '' END AS name,
         to_timestamp(minute / g.grain * g.grain) AS at, latency_class, count, failures
       FROM fresh CROSS JOIN (VALUES ${list}) g (grain, kind)),
     summed AS (
       SELECT grain, kind, name, at, c.class AS latency_class, sum(count) AS count, sum(failures) AS failures
       FROM named CROSS JOIN LATERAL (VALUES (latency_class), (${allClass})) c (class)
       WHERE name IS NOT NULL AND (kind <> 'all' OR c.class <> ${allClass}) GROUP BY 1, 2, 3, 4, 5)`;
}
