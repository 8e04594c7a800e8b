import { epochMac } from '@onecli/shared/vault/epoch';
import type { EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import { keyLeft } from '../rotation/left-keys.ts';
import { type RestoredRun, restoredProblem, settleRestored } from '../rotation/restored.ts';
import { raiseAboveWorkers } from './raise-revision.ts';
import { letReturningIn } from './replaced-database.ts';

/** Takes what is recorded of it. */
export type Audit = ConfigTransaction['audit'];

/**
 * Somebody has looked at what was restored: who was held is let in, and workers may take it. Within a transaction. Gives the
 * rotations that end with it.
 */
export async function confirmRestored(
  manager: EntityManager,
  key: Buffer,
  audit: Audit,
): Promise<readonly RestoredRun[]> {
  await letReturningIn(manager);
  return confirmEpoch(manager, key, audit);
}

/**
 * Lets workers take the database as it is, although it went back, and records that. Within a transaction. The epoch is the time, so
 * that it is later than any that a worker may have seen of this instance. Gives the rotations that end with it.
 */
export async function confirmEpoch(manager: EntityManager, key: Buffer, audit: Audit): Promise<readonly RestoredRun[]> {
  const ended = await settleRestored(manager);
  await raiseAboveWorkers(manager);
  const [state] = await manager.query<{ epoch: string }[]>('SELECT epoch FROM config_state');
  const epoch = Math.max(Number(state?.epoch ?? 0) + 1, Date.now());
  await manager.query('UPDATE config_state SET epoch = $1, epoch_mac = $2, restored_at = NULL', [
    epoch,
    epochMac(key, epoch),
  ]);
  audit('backup:confirm', 'keys', 'restore');
  for (const { secret, ...about } of ended)
    audit('rotation:finished', 'secret', secret, { ...about, problem: restoredProblem, ...keyLeft });
  return ended;
}
