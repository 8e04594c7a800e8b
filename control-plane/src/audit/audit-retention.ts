import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource, EntityManager } from 'typeorm';
import { dayMs, dropDaysBefore, lockPartitions } from './audit-partitions.ts';
import { appendRuns } from './trail/append-runs.ts';
import { NodeReader } from './trail/node-reader.ts';
import { ownRun } from './trail/own-entries.ts';
import { lockTree } from './trail/tree-row.ts';

export interface RetentionOptions {
  readonly database: DataSource;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  /** How many days requests are kept. */
  readonly days: number;
}

/**
 * Drops days that are kept no longer: rows of the list, and entries of the trail a day later, so that no row is without its entry. The
 * trail goes on: the tree of what is gone stays as a few hashes, and an entry says what went, so that nobody else can drop anything.
 * @returns whether anything went
 */
export function dropOldAudit({ database, keyring, macKey, days }: RetentionOptions, nowMs: number): Promise<boolean> {
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
    const pruned = await new NodeReader(manager).frontierAt(entriesBefore);
    const { run, own } = ownRun(macKey, tree, [{ kind: 'RETENTION', entriesBefore, rowsBeforeMs }]);
    await appendRuns(manager, keyring, tree, [run], own);
    await manager.query('UPDATE audit_tree SET pruned_size = $1, pruned_nodes = $2, rows_from = $3', [
      pruned.size,
      Buffer.concat(pruned.nodes),
      new Date(rowsBeforeMs),
    ]);
    await dropDaysBefore(manager, 'audit_event', rowsBeforeMs);
    await dropDaysBefore(manager, 'audit_block', entriesBeforeMs);
    return true;
  });
}

async function hasOlder(manager: EntityManager, rowsBeforeMs: number, entriesBeforeMs: number): Promise<boolean> {
  const [row] = await manager.query<{ has_older: boolean }[]>(
    `SELECT EXISTS (SELECT FROM audit_event WHERE time < $1)
       OR EXISTS (SELECT FROM audit_block WHERE taken_at < $2) AS has_older`,
    [new Date(rowsBeforeMs), new Date(entriesBeforeMs)],
  );
  return row?.has_older === true;
}
