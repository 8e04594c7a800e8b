/**
 * Rows of releases from before have no MAC. They get theirs once, and the key terms are marked then; from there on a row without is
 * not believed. While a control plane of such a release runs, it writes more of them, and it is waited for.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { guardAll } from './guarded-rows.ts';
import { recordInstanceEvent } from './instance-event.ts';
import { aliveWithinSeconds } from '../workers/alive-within.ts';
import { keysChanged } from './key-store.ts';
import { type KeyTerms, readStoredTerms } from './key-terms.ts';
import type { AlarmLog, RowGuard } from './row-guard.ts';

/** Whether a live control plane writes rows without a MAC. */
export async function hasOlderWriters(manager: EntityManager): Promise<boolean> {
  const [row] = await manager.query<{ has: boolean }[]>(
    `SELECT EXISTS (SELECT FROM control_plane
       WHERE seen_at > now() - make_interval(secs => $1) AND guards_rows IS NOT TRUE) AS has`,
    [aliveWithinSeconds],
  );
  return row?.has === true;
}

/**
 * Gives all rows their MACs and marks the terms. Within a transaction, under the lock for changes. Who runs it takes up the terms
 * once they are committed, and says then that the rows are `marked`.
 */
export async function markRows(manager: EntityManager, terms: KeyTerms, rows: RowGuard): Promise<void> {
  await guardAll(manager, rows);
  await markTerms(manager, terms);
  await recordInstanceEvent(manager, 'keys:mark', 'rows');
}

async function markTerms(manager: EntityManager, terms: KeyTerms): Promise<void> {
  const stored = await readStoredTerms(manager);
  for (const { term, wrappedKey } of terms.keyring.markTerms(stored.terms))
    await manager.query('UPDATE key_term SET wrapped_key = $2 WHERE term = $1', [term, wrappedKey]);
  await keysChanged(manager);
}

/** Marks the rows if they are not yet, unless a control plane of a release from before runs and `waits`. */
export async function markRowsWhenDue(
  database: DataSource,
  { terms, rows, waits }: { readonly terms: KeyTerms; readonly rows: RowGuard; readonly waits: boolean },
): Promise<void> {
  if (terms.keyring.hasRowMacs) return;
  const isMarked = await database.transaction('READ COMMITTED', async (manager) => {
    await lockForChange(manager);
    await terms.refresh(manager);
    if (terms.keyring.hasRowMacs || !terms.isMasterKeyCurrent) return false;
    if (waits && (await hasOlderWriters(manager))) return false;
    await markRows(manager, terms, rows);
    return true;
  });
  if (isMarked) rows.marked();
  await terms.refresh(database.manager);
}

/**
 * Marks the terms again, and no row, where this process knows that they were: somebody put unmarked ones back, by which the next
 * start would give MACs to whatever rows lie there then.
 */
export async function keepMark(database: DataSource, terms: KeyTerms, log: AlarmLog): Promise<void> {
  const isLost = async (manager: EntityManager) =>
    terms.keyring.hasRowMacs && terms.isMasterKeyCurrent && !(await terms.isStoredMarked(manager));
  if (!(await isLost(database.manager))) return;
  await database.transaction('READ COMMITTED', async (manager) => {
    await lockForChange(manager);
    await terms.refresh(manager);
    if (!(await isLost(manager))) return;
    await markTerms(manager, terms);
    await recordInstanceEvent(manager, 'keys:mark', 'key terms');
    log.error({}, 'the mark that all rows have their MACs was taken from the key terms from outside: it is put back');
  });
  await terms.refresh(database.manager);
}
