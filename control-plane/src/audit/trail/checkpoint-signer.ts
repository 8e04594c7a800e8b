import { sameBytes } from '@onecli/shared/domain/audit-trail/bytes';
import { Frontier } from '@onecli/shared/domain/audit-trail/merkle-tree';
import type { DataSource, EntityManager } from 'typeorm';
import type { CheckpointKey } from './checkpoint-key.ts';
import { insertCheckpoint, lastCheckpoint } from './checkpoint-store.ts';
import { GrownStretches } from './grown-stretches.ts';
import { sha256 } from './node-hashes.ts';
import { NodeReader } from './node-reader.ts';
import { signedTree } from './signed-tree.ts';
import { TreeAltered } from './tree-altered.ts';
import { hashesOf, lockTree, type Tree } from './tree-row.ts';

/** Leaves that are read at once. */
const leavesAtOnce = 16_384;

/**
 * Signs the head of the tree, after it has computed it once more from the leaves since the last checkpoint: what the tables say
 * is never signed on their word.
 */
export class CheckpointSigner {
  readonly #database: DataSource;
  readonly #key: CheckpointKey;
  readonly #grownHere: GrownStretches;
  /** The tree that was signed last, by this process or, at its start, by whom the note says. */
  #signed: { readonly treeId: string; readonly frontier: Frontier } | undefined;

  /** @param grown what this process appended of late */
  constructor(database: DataSource, key: CheckpointKey, grown = new GrownStretches()) {
    this.#database = database;
    this.#key = key;
    this.#grownHere = grown;
  }

  /**
   * Signs what was added since the last checkpoint, unless that is younger than `everyMs`. @returns the size that was signed
   * @throws TreeAltered and signs nothing
   */
  async sign(everyMs: number): Promise<number | undefined> {
    const [due] = await this.#database.query<{ id: string; size: number; is_due: boolean; is_short: boolean }[]>(
      `SELECT t.id, t.size::float8 AS size, t.size < coalesce(c.size, 0) AS is_short, t.size > coalesce(c.size, 0) AND coalesce(c.signed_at <= clock_timestamp() - make_interval(secs => $1), true) AS is_due
       FROM audit_tree t LEFT JOIN LATERAL (SELECT size, signed_at FROM audit_checkpoint ORDER BY size DESC LIMIT 1) c ON true`,
      [everyMs / 1_000],
    );
    this.#mustGoOn(due?.id, due?.size ?? 0);
    if (due?.is_short === true) throw new TreeAltered('The audit trail is shorter than what was signed of it');
    if (due?.is_due !== true) return undefined;
    return this.#database.transaction('READ COMMITTED', (manager) => this.#signWithin(manager));
  }

  /** What this process signed is not forgotten, whatever the tables say. */
  #mustGoOn(treeId: string | undefined, size: number): void {
    if (this.#signed === undefined) return;
    if (this.#signed.treeId !== treeId) throw new TreeAltered('The audit trail is another one than was signed');
    if (this.#signed.frontier.size > size)
      throw new TreeAltered('The audit trail is shorter than what was signed of it');
  }

  async #signWithin(manager: EntityManager): Promise<number | undefined> {
    const tree = await lockTree(manager);
    const last = await lastCheckpoint(manager);
    if (last !== undefined && last.size === tree.frontier.size) return undefined;
    const frontier = await this.#grown(manager, tree, last);
    const root = frontier.root();
    if (!sameBytes(root, tree.frontier.root()))
      throw new TreeAltered('The tree of the audit trail does not have the root that its leaves lead to');
    const { size } = frontier;
    await insertCheckpoint(manager, { size, root, note: this.#key.sign(tree.id, size, root) });
    this.#signed = { treeId: tree.id, frontier };
    this.#grownHere.forget(size);
    return size;
  }

  async #grown(
    manager: EntityManager,
    tree: Tree,
    last: { size: number; note: string } | undefined,
  ): Promise<Frontier> {
    const reader = new NodeReader(manager);
    const begin = await this.#begin(reader, tree, last);
    let frontier = new Frontier(sha256, begin.size, begin.nodes);
    const { size } = tree.frontier;
    while (frontier.size < size) {
      const runs = await reader.leafRuns(frontier.size, Math.min(size, frontier.size + leavesAtOnce));
      const before = frontier.size;
      for (const run of runs) frontier = this.#grownHere.after(frontier, run) ?? appended(frontier, run);
      if (frontier.size === before) throw new TreeAltered(`The audit trail lacks its entry ${frontier.size}`);
    }
    if (frontier.size !== size) throw new TreeAltered('The audit trail is shorter than what was signed of it');
    return frontier;
  }

  /** The tree of the last checkpoint: as it is remembered, or else as it is stored, held against the note's signature. */
  async #begin(reader: NodeReader, tree: Tree, last: { size: number; note: string } | undefined): Promise<Frontier> {
    this.#mustGoOn(tree.id, tree.frontier.size);
    const remembered = this.#signed?.frontier;
    if (remembered !== undefined && remembered.size >= (last?.size ?? 0)) return remembered;
    if (last === undefined) return new Frontier(sha256, tree.pruned.size, tree.pruned.nodes);
    return signedTree(reader, tree, this.#key, last.note);
  }
}

function appended(frontier: Frontier, leaves: Buffer): Frontier {
  for (const leaf of hashesOf(leaves)) frontier.append(leaf);
  return frontier;
}
