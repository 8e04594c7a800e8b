import { readEntry } from '@onecli/shared/domain/audit-entry';
import { readOwnEntry } from '@onecli/shared/domain/audit-trail/own-entry';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource, EntityManager } from 'typeorm';
import { dayMs, dropDaysBefore, lockPartitions } from './audit-partitions.ts';
import { appendRuns } from './trail/append-runs.ts';
import { openLinks } from './trail/block.ts';
import type { CheckpointKey } from './trail/checkpoint-key.ts';
import { lastCheckpoint } from './trail/checkpoint-store.ts';
import { NodeReader } from './trail/node-reader.ts';
import { ownRun } from './trail/own-entries.ts';
import { signedTree } from './trail/signed-tree.ts';
import { lockTree, type Tree } from './trail/tree-row.ts';

export interface RetentionOptions {
  readonly database: DataSource;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly checkpointKey: CheckpointKey;
  /** How many days requests are kept. */
  readonly days: number;
}

/**
 * Drops days that are kept no longer: rows of the list, and entries of the trail a day later, so that no row is without its entry. The
 * trail goes on: the tree of what is gone stays as a few hashes, and an entry says what went, so that nobody else can drop anything.
 * @returns whether anything went
 */
export function dropOldAudit(options: RetentionOptions, nowMs: number): Promise<boolean> {
  const { database, keyring, macKey, checkpointKey, days } = options;
  const rowsBeforeMs = Math.floor(nowMs / dayMs - days) * dayMs;
  const entriesBeforeMs = rowsBeforeMs - dayMs;
  return database.transaction('READ COMMITTED', async (manager) => {
    await manager.query("SET LOCAL lock_timeout = '5s'");
    await lockPartitions(manager);
    if (!(await hasOlder(manager, rowsBeforeMs, entriesBeforeMs))) return false;
    const tree = await lockTree(manager);
    const [row] = await manager.query<{ first: number | null }[]>(
      'SELECT min(first_index)::float8 AS first FROM audit_block WHERE taken_at >= $1',
      [new Date(entriesBeforeMs)],
    );
    const entriesBefore = Math.max(row?.first ?? tree.frontier.size, tree.pruned.size);
    await mustBeOld(manager, keyring, tree, entriesBefore, rowsBeforeMs);
    const reader = new NodeReader(manager);
    if (entriesBefore > tree.pruned.size) await mustBeSigned(manager, reader, tree, checkpointKey, entriesBefore);
    const pruned = await reader.frontierAt(entriesBefore);
    const { run, own } = ownRun(macKey, tree, [{ kind: 'RETENTION', entriesBefore, rowsBeforeMs }]);
    await appendRuns(manager, keyring, tree, [run], own);
    await manager.query('UPDATE audit_tree SET pruned_size = $1, pruned_nodes = $2, rows_from = $3', [
      pruned.size,
      Buffer.concat(pruned.nodes),
      new Date(rowsBeforeMs),
    ]);
    await dropDaysBefore(manager, 'audit_event', rowsBeforeMs);
    // Of requests that were shown as interrupted: their rows go now, and with them what is still known of them.
    await manager.query('DELETE FROM audit_intent WHERE closed_at IS NOT NULL AND time < $1', [new Date(rowsBeforeMs)]);
    await dropDaysBefore(manager, 'audit_block', entriesBeforeMs);
    return true;
  });
}

/**
 * When a block was taken is not sealed: the last one that is to go is opened, and its entries say when they were. With what is a day
 * younger than that nothing goes. A day is for clocks that differ.
 */
async function mustBeOld(
  manager: EntityManager,
  keyring: Keyring,
  tree: Tree,
  entriesBefore: number,
  beforeMs: number,
): Promise<void> {
  if (entriesBefore <= tree.pruned.size) return;
  const [block] = await manager.query<{ first: number; sealed: Buffer }[]>(
    `SELECT first_index::float8 AS first, sealed_lines AS sealed FROM audit_block WHERE first_index + entry_count = $1
     AND first_index < $1 ORDER BY first_index DESC LIMIT 1`,
    [entriesBefore],
  );
  if (block === undefined) throw new Error('Retention of the audit trail: the block before those that stay is missing');
  const links = await openLinks(keyring, tree.id, block.first, block.sealed);
  for (const line of links.flatMap(({ lines }) => lines))
    if (!(timeOf(line) < beforeMs))
      throw new Error(
        `Retention of the audit trail: entries before ${entriesBefore} are younger than they are said to be`,
      );
}

/**
 * What was never signed cannot be proven any more once it is gone: a tree that is not signed, because somebody altered it, keeps everything.
 * A checkpoint counts by its signature, and only when the stored tree is the one that it signs.
 */
async function mustBeSigned(
  manager: EntityManager,
  reader: NodeReader,
  tree: Tree,
  key: CheckpointKey,
  entriesBefore: number,
): Promise<void> {
  const last = await lastCheckpoint(manager);
  const signed = last && (await signedTree(reader, tree, key, last.note));
  if ((signed?.size ?? 0) >= entriesBefore) return;
  throw new Error(`Retention of the audit trail: not all entries before ${entriesBefore} are signed`);
}

/** Of an entry of a worker, or of the control plane's own. */
function timeOf(line: string): number {
  const own = readOwnEntry(line);
  return own === undefined ? readEntry(line).timeMs : Number((JSON.parse(line) as unknown[])[2]);
}

async function hasOlder(manager: EntityManager, rowsBeforeMs: number, entriesBeforeMs: number): Promise<boolean> {
  const [row] = await manager.query<{ has_older: boolean }[]>(
    `SELECT EXISTS (SELECT FROM audit_event WHERE time < $1)
       OR EXISTS (SELECT FROM audit_block WHERE taken_at < $2) AS has_older`,
    [new Date(rowsBeforeMs), new Date(entriesBeforeMs)],
  );
  return row?.has_older === true;
}
