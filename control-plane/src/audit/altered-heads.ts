import type { EntityManager } from 'typeorm';
import { type HeadKeys, isSealed, readHead, type StoredHead } from './boot-head.ts';
import type { Boot } from './open-intents.ts';
import { statedEnds } from './stated-ends.ts';

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
    const doubtful = rows.filter((row) => (row.seal === null ? row.is_kept : !isSealed(keys, row, row)));
    // The run may have gone on between the reading of its row and that of its entries: then the row says another thing now.
    const altered = await alteredOf(manager, keys, await alteredOf(manager, keys, doubtful));
    count += altered.length;
    first ??= altered[0] && { worker: altered[0].worker, boot: altered[0].boot };
    after = rows.at(-1) ?? after;
    if (rows.length < headsAtOnce) return { count, first };
  }
}

/** Which runs have a head that says something else than their entries. What says that runs are over is read once for all of them. */
async function alteredOf<Run extends Boot>(
  manager: EntityManager,
  keys: HeadKeys,
  runs: readonly Run[],
): Promise<Run[]> {
  if (runs.length === 0) return [];
  const ends = await statedEnds(manager, keys.keyring, runs);
  const altered: Run[] = [];
  for (const run of runs) if ((await readHead(manager, keys, run, ends)).isAltered) altered.push(run);
  return altered;
}
