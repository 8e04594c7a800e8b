/*
 * What is kept beside the entries so that the trail can go on: how far each run is written, the head of the tree, and that of the
 * control plane's own chain. Altered, it would show only when the trail has gone on; here it is held against the entries before.
 */
import { sameBytes } from '@onecli/shared/domain/audit-trail/bytes';
import { ownWorker } from '@onecli/shared/domain/audit-trail/own-entry';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';
import { alteredHeads } from '../altered-heads.ts';
import type { HeadKeys } from '../boot-head.ts';
import { openLinks } from './block.ts';
import { NodeReader } from './node-reader.ts';
import { TreeAltered } from './tree-altered.ts';
import type { Tree } from './tree-row.ts';

interface Sources extends HeadKeys {
  readonly manager: EntityManager;
}

/** What is wrong with it, in words. */
export async function recordFaults({ manager, ...keys }: Sources, tree: Tree): Promise<string[]> {
  const faults: string[] = [];
  const { count, first } = await alteredHeads(manager, keys);
  if (first !== undefined)
    faults.push(`how far ${first.worker}/${first.boot} is written was altered (of ${count} runs in all)`);
  if (!tree.isReadable) return [...faults, 'the record of the tree cannot be read'];
  if (!(await isHeadOfLeaves(manager, tree))) faults.push('the record of the tree is not what its leaves lead to');
  if (!(await isOwnHead(manager, keys, tree)))
    faults.push('the record of the control plane’s own entries is not what they lead to');
  return faults;
}

async function isHeadOfLeaves(manager: EntityManager, { frontier }: Tree): Promise<boolean> {
  const reader = new NodeReader(manager);
  if (!(await reader.hasFrontierAt(frontier.size))) return true;
  try {
    return sameBytes((await reader.frontierAt(frontier.size)).root(), frontier.root());
  } catch (error) {
    if (error instanceof TreeAltered) return false;
    throw error;
  }
}

async function isOwnHead(manager: EntityManager, { keyring }: HeadKeys, tree: Tree): Promise<boolean> {
  const { id, frontier, pruned, ownSequence, ownMac } = tree;
  const [block] = await manager.query<{ first: number; next: number; sealed: Buffer }[]>(
    `SELECT first_index::float8 AS first, (first_sequence + entry_count)::float8 AS next, sealed_lines AS sealed
     FROM audit_block WHERE worker = $1 AND boot = $2 AND first_index < $3 ORDER BY first_sequence DESC LIMIT 1`,
    [ownWorker, id, frontier.size],
  );
  if (block === undefined) return pruned.size > 0 || (ownSequence === 0 && ownMac === undefined);
  try {
    const last = (await openLinks(keyring, id, block.first, block.sealed)).at(-1);
    return block.next === ownSequence && last?.mac === ownMac?.toString('hex');
  } catch (error) {
    // A block that was altered is told where it stands.
    if (error instanceof VaultFault) return true;
    throw error;
  }
}
