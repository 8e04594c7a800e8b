/**
 * Rotations after a restore. What the database says of keys is of the backup's day: a schedule that looks overdue was run since, and
 * the key that a run is about to end may be the one that works now. So nothing is asked of a provider until somebody has confirmed
 * the restore, and the runs of that day end there.
 */
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import { RotationEntity } from './rotation.entity.ts';
import { nextRun } from './rotation-store.ts';

/** A run that ended with a restore. */
export interface RestoredRun {
  readonly run: string;
  readonly secret: string;
  readonly version: number | null;
}

/** What the problem of such a run says. */
export const restoredProblem =
  'a backup of a time when it was under way was restored: look at the provider which keys there are, and end those that nobody uses';

/** Whether a backup was restored and nobody has confirmed it. */
export async function isRestoreOpen(manager: EntityManager): Promise<boolean> {
  return (await manager.query<unknown[]>('SELECT 1 FROM config_state WHERE restored_at IS NOT NULL')).length > 0;
}

/** @throws Fault CONFLICT while a restore is not confirmed */
export async function requireNoOpenRestore(manager: EntityManager): Promise<void> {
  if (await isRestoreOpen(manager))
    throw new Fault(
      'CONFLICT',
      'A backup was restored and nobody has confirmed it: no secret is rotated until `onecli restore --confirm`',
    );
}

/** To be called when a restore is confirmed: puts off what is overdue to its next time, and ends the runs, which it gives. */
export async function settleRestored(manager: EntityManager): Promise<RestoredRun[]> {
  if (!(await isRestoreOpen(manager))) return [];
  const now = new Date();
  const overdue = await manager.query<{ id: string; schedule: string | null; zone: string }[]>(
    'SELECT id, schedule, zone FROM rotation WHERE next_run_at <= now()',
  );
  for (const { id, schedule, zone } of overdue) {
    const nextRunAt = schedule === null ? null : (nextRun(schedule, zone, now) ?? null);
    await manager.update(RotationEntity, { id }, { nextRunAt });
  }
  const ended = await manager.query<RestoredRun[]>(
    `WITH ended AS (
       UPDATE rotation_run SET outcome = 'CANCELLED', problem = $1, finished_at = now() WHERE finished_at IS NULL
       RETURNING id, secret_id, new_version)
     SELECT e.id AS run, s.name AS secret, e.new_version AS version FROM ended e JOIN secret s ON s.id = e.secret_id ORDER BY 2`,
    [restoredProblem],
  );
  // They belong to those runs: from now on they can be made current, and destroyed.
  await manager.query('UPDATE secret_version SET is_pending = false WHERE is_pending');
  return ended;
}
