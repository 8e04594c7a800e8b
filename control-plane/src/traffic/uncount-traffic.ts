import type { EntityManager } from 'typeorm';
import { isLockHeld } from '../database/lock-fault.ts';
import { summedSql } from './traffic-rollup.ts';

/** Of an event that goes from the list, what it was counted by, as PostgreSQL gives it. */
export interface GoneEvent {
  /** As text, whole. */
  readonly time: string;
  readonly agent: string | null;
  readonly host: string;
  readonly decision: string;
  readonly status: number;
  readonly latency_ms: number;
  readonly written_by: string | null;
}

export const goneColumns =
  'time::text AS time, agent, host, decision, status, latency_ms, written_by::text AS written_by';

const ofGone = `jsonb_to_recordset($1::jsonb)
  AS e(time timestamptz, agent text, host text, decision text, status int, latency_ms real, written_by bigint)
  WHERE coalesce(written_by, 0) < $2::bigint`;
const isSame = '(t.grain, t.kind, t.name, t.at, t.latency_class) = (s.grain, s.kind, s.name, s.at, s.latency_class)';

/** A count takes much less; the first one after an update may take more. */
const patienceMs = 3000;

/**
 * Takes events that this transaction deleted out of the counts: what takes their place is counted too. Those that are not counted yet
 * never will be. It waits for a count under way, so that each is one or the other; but the audit trail waits for no chart: after some
 * seconds they stay counted.
 */
export async function uncountTraffic(manager: EntityManager, events: readonly GoneEvent[]): Promise<void> {
  if (events.length === 0) return;
  const place = await lockPlace(manager);
  // Counts of another life of the database are made anew.
  if (place === undefined) return;
  const values = [JSON.stringify(events), place.written_by];
  const summed = summedSql(ofGone);
  await manager.query(`${summed} DELETE FROM traffic t USING summed s WHERE ${isSame} AND t.count <= s.count`, values);
  await manager.query(
    `${summed} UPDATE traffic t SET count = t.count - s.count, failures = t.failures - s.failures FROM summed s WHERE ${isSame}`,
    values,
  );
}

/** How far the list is counted, held until the transaction ends. Undefined where nothing is counted, or somebody else holds it for too long. */
async function lockPlace(manager: EntityManager): Promise<{ written_by: string } | undefined> {
  await manager.query(`SAVEPOINT place; SET LOCAL lock_timeout = ${patienceMs}`);
  try {
    const [place] = await manager.query<{ written_by: string }[]>(
      'SELECT p.written_by FROM traffic_place p JOIN config_state c ON c.epoch = p.epoch FOR UPDATE OF p',
    );
    await manager.query('SET LOCAL lock_timeout TO DEFAULT; RELEASE SAVEPOINT place');
    return place;
  } catch (error) {
    if (!isLockHeld(error)) throw error;
    await manager.query('ROLLBACK TO SAVEPOINT place; RELEASE SAVEPOINT place');
    return undefined;
  }
}
