import type { EntityManager } from 'typeorm';
import { currentRevision, revisedTables } from '../configuration/change-config.ts';

/** A worker's word alone takes the revision no further than this. */
const mostRaised = 1_000_000;

/**
 * Puts the configuration, and each of its rows, at a revision that nobody has seen of it yet. Within a transaction. What a client or a
 * worker has from before a restore is older then than what is there, and not taken for it.
 * @param seen the highest that somebody may have seen
 */
export async function raiseRevision(manager: EntityManager, seen: number): Promise<void> {
  const revision = Math.max(seen, await currentRevision(manager)) + 1;
  await manager.query('UPDATE config_state SET revision = $1', [revision]);
  for (const table of Object.values(revisedTables))
    await manager.query(`UPDATE ${table} SET revision = $1`, [revision]);
}

/** The same where a worker has applied as much as there is, or more: it is of a database that was lost, whose revision only workers know. */
export async function raiseAboveWorkers(manager: EntityManager): Promise<void> {
  const [row] = await manager.query<{ applied: string | null }[]>(
    `SELECT max(w.applied_revision) AS applied FROM worker w, config_state s
     WHERE w.applied_revision BETWEEN s.revision AND s.revision + $1`,
    [mostRaised],
  );
  if (row?.applied != null) await raiseRevision(manager, Number(row.applied));
}
