import { Frontier, hashBytes } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { EntityManager } from 'typeorm';
import { sha256 } from './node-hashes.ts';
import { TreeAltered } from './tree-altered.ts';

/** The tree as it is stored, and the chain of the control plane's own entries. */
export interface Tree {
  readonly id: string;
  readonly frontier: Frontier;
  /** When the last entries were taken, and what those that come now are given: it never goes back. */
  readonly takenAt: Date;
  /** Of the control plane's own chain. */
  readonly ownSequence: number;
  readonly ownMac: Buffer | undefined;
  /** Entries before this one are gone by retention, and the frontier of the tree of those. */
  readonly pruned: Frontier;
  /** Rows of the list before this moment are gone by retention. */
  readonly rowsFrom: Date | undefined;
  /** False where somebody altered it so that it is no tree: then it is given as an empty one. */
  readonly isReadable: boolean;
}

interface StoredTree {
  readonly id: string;
  readonly size: string;
  readonly nodes: Buffer;
  readonly taken_at: Date;
  readonly own_sequence: string;
  readonly own_mac: Buffer | null;
  readonly pruned_size: string;
  readonly pruned_nodes: Buffer;
  readonly rows_from: Date | null;
}

const columns = `id, size, nodes, greatest(taken_at, date_trunc('milliseconds', clock_timestamp())) AS taken_at,
  own_sequence, own_mac, pruned_size, pruned_nodes, rows_from`;

/** The tree as it is committed. */
export async function readTree(manager: EntityManager): Promise<Tree> {
  const [row] = await manager.query<StoredTree[]>(`SELECT ${columns} FROM audit_tree`);
  return row === undefined ? beginTree(manager) : toTree(row);
}

/**
 * The tree, which nobody else appends to until the transaction ends: entries get one order, however many write.
 * @throws TreeAltered for one that is none
 */
export async function lockTree(manager: EntityManager): Promise<Tree> {
  const [row] = await manager.query<StoredTree[]>(`SELECT ${columns} FROM audit_tree FOR UPDATE`);
  const tree = row === undefined ? await beginTree(manager) : toTree(row);
  if (!tree.isReadable) throw new TreeAltered('The record of the tree of the audit trail cannot be read');
  return tree;
}

/** A backup from before there was a tree leaves none. */
async function beginTree(manager: EntityManager): Promise<Tree> {
  await manager.query('INSERT INTO audit_tree DEFAULT VALUES ON CONFLICT DO NOTHING');
  return lockTree(manager);
}

function toTree(row: StoredTree): Tree {
  const frontier = frontierOf(row.size, row.nodes);
  const pruned = frontierOf(row.pruned_size, row.pruned_nodes);
  return {
    id: row.id,
    frontier: frontier ?? new Frontier(sha256),
    takenAt: row.taken_at,
    ownSequence: Number(row.own_sequence),
    ownMac: row.own_mac ?? undefined,
    pruned: pruned ?? new Frontier(sha256),
    rowsFrom: row.rows_from ?? undefined,
    isReadable: frontier !== undefined && pruned !== undefined,
  };
}

function frontierOf(size: string, nodes: Buffer): Frontier | undefined {
  if (nodes.length % hashBytes !== 0) return undefined;
  try {
    return new Frontier(sha256, Number(size), hashesOf(nodes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Hashes that lie one after the other. */
export function hashesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / hashBytes) }, (_, at) =>
    bytes.subarray(at * hashBytes, (at + 1) * hashBytes),
  );
}
