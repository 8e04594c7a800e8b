import { Frontier, hashBytes } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { EntityManager } from 'typeorm';
import { keptLevels } from './append-runs.ts';
import { sha256 } from './node-hashes.ts';
import { TreeAltered } from './tree-altered.ts';
import { hashesOf } from './tree-row.ts';

/** More entries than a block ever has. */
const widestBlock = 65_536;

/** Reads the stored tree: any of its full subtrees, by at most 256 hashes. */
export class NodeReader {
  readonly #manager: EntityManager;

  constructor(manager: EntityManager) {
    this.#manager = manager;
  }

  /** The hash of a full subtree. @throws TreeAltered when what it is made of is not there */
  readonly full = async (level: number, place: number): Promise<Uint8Array> => {
    const above = level % keptLevels;
    const base = level - above;
    const [from, count] = [place * 2 ** above, 2 ** above];
    const hashes = base === 0 ? await this.leaves(from, from + count) : await this.#nodes(base, from, count);
    if (hashes.length !== count)
      throw new TreeAltered(`The tree of the audit trail lacks nodes below ${level}/${place}`);
    const subtree = new Frontier(sha256);
    for (const hash of hashes) subtree.append(hash);
    return subtree.root();
  };

  /** The frontier of the tree as it was at a size. @throws TreeAltered when what it is made of is not there */
  async frontierAt(size: number): Promise<Frontier> {
    const nodes: Uint8Array[] = [];
    let from = 0;
    for (let level = Math.floor(Math.log2(Math.max(size, 1))); level >= 0; level--) {
      if (Math.floor(size / 2 ** level) % 2 === 0) continue;
      nodes.push(await this.full(level, from / 2 ** level));
      from += 2 ** level;
    }
    return new Frontier(sha256, size, nodes);
  }

  /** Whether what the frontier is made of is there: of entries that went by retention, the hashes of small subtrees are gone. */
  async hasFrontierAt(size: number): Promise<boolean> {
    const lowest = size % 2 ** keptLevels;
    return (await this.leaves(size - lowest, size)).length === lowest;
  }

  /** Hashes of leaves from an index to before another: fewer where a block is missing. */
  async leaves(from: number, to: number): Promise<Buffer[]> {
    return (await this.leafRuns(from, to)).flatMap(hashesOf);
  }

  /** The same, block by block, one after the other. */
  async leafRuns(from: number, to: number): Promise<Buffer[]> {
    const rows = await this.#manager.query<{ first_index: string; leaf_hashes: Buffer }[]>(
      `SELECT first_index, leaf_hashes FROM audit_block
       WHERE first_index < $2 AND first_index > $1::bigint - ${widestBlock} AND first_index + entry_count > $1
       ORDER BY first_index`,
      [from, to],
    );
    const found: Buffer[] = [];
    let next = from;
    for (const { first_index: first, leaf_hashes: hashes } of rows) {
      const begin = Number(first);
      if (Math.max(begin, from) !== next) return found;
      const run = hashes.subarray(Math.max(0, from - begin) * hashBytes, (to - begin) * hashBytes);
      found.push(run);
      next += Math.floor(run.length / hashBytes);
    }
    return found;
  }

  async #nodes(level: number, from: number, count: number): Promise<Buffer[]> {
    const rows = await this.#manager.query<{ hash: Buffer }[]>(
      'SELECT hash FROM audit_node WHERE level = $1 AND place >= $2 AND place < $3 ORDER BY place',
      [level, from, from + count],
    );
    return rows.map(({ hash }) => hash);
  }
}
