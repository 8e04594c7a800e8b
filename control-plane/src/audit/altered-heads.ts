import type { EntityManager } from 'typeorm';
import { type HeadKeys, isSealed, readHead, type StoredHead } from './boot-head.ts';
import type { Boot } from './open-intents.ts';

const headsAtOnce = 1_000;

/**
 * Looks whether what is kept of how far runs are written is what the control plane wrote, in constant memory. Rows of the release that
 * sealed none are held against the entries of their runs, as long as those are there.
 */
export async function alteredHeads(
  manager: EntityManager,
  keys: HeadKeys,
): Promise<{ readonly count: number; readonly first: Boot | undefined }> {
  let count = 0;
  let first: Boot | undefined;
  let after: Boot = { worker: '', boot: '' };
  for (;;) {
    const rows = await manager.query<(StoredHead & Boot & { is_kept: boolean })[]>(
      `SELECT worker, boot, through, mac, ended_at IS NOT NULL AS is_ended, seal,
         seal IS NULL AND EXISTS (SELECT FROM audit_block k WHERE k.worker = b.worker AND k.boot = b.boot) AS is_kept
       FROM audit_boot b WHERE (worker, boot) > ($1, $2) ORDER BY worker, boot LIMIT ${headsAtOnce}`,
      [after.worker, after.boot],
    );
    for (const row of rows) {
      const isDoubtful = row.seal === null ? row.is_kept : !isSealed(keys, row, row);
      if (!isDoubtful || !(await isAltered(manager, keys, row))) continue;
      count += 1;
      first ??= { worker: row.worker, boot: row.boot };
    }
    after = rows.at(-1) ?? after;
    if (rows.length < headsAtOnce) return { count, first };
  }
}

/** The run may have gone on between the reading of its row and that of its entries: then the row says another thing now. */
async function isAltered(manager: EntityManager, keys: HeadKeys, boot: Boot): Promise<boolean> {
  return (await readHead(manager, keys, boot)).isAltered && (await readHead(manager, keys, boot)).isAltered;
}
