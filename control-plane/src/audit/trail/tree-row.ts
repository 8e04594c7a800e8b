import { Frontier, hashBytes } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { EntityManager } from 'typeorm';
import { sha256 } from './node-hashes.ts';

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

/** The tree, which nobody else appends to until the transaction ends: entries get one order, however many write. */
export async function lockTree(manager: EntityManager): Promise<Tree> {
  const [row] = await manager.query<StoredTree[]>(`SELECT ${columns} FROM audit_tree FOR UPDATE`);
  return row === undefined ? beginTree(manager) : toTree(row);
}

/** A backup from before there was a tree leaves none. */
async function beginTree(manager: EntityManager): Promise<Tree> {
  await manager.query('INSERT INTO audit_tree DEFAULT VALUES ON CONFLICT DO NOTHING');
  return lockTree(manager);
}

function toTree(row: StoredTree): Tree {
  return {
    id: row.id,
    frontier: new Frontier(sha256, Number(row.size), hashesOf(row.nodes)),
    takenAt: row.taken_at,
    ownSequence: Number(row.own_sequence),
    ownMac: row.own_mac ?? undefined,
    pruned: new Frontier(sha256, Number(row.pruned_size), hashesOf(row.pruned_nodes)),
    rowsFrom: row.rows_from ?? undefined,
  };
}

/** Hashes that lie one after the other. */
export function hashesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / hashBytes) }, (_, at) =>
    bytes.subarray(at * hashBytes, (at + 1) * hashBytes),
  );
}
