import { Frontier } from '@onecli/shared/domain/audit-trail/merkle-tree';
import { sha256 } from './node-hashes.ts';

/** Leaves that were appended to a tree at once, with the tree before and after them. */
export interface Stretch {
  readonly firstIndex: number;
  readonly before: readonly Uint8Array[];
  /** Hashes of leaves, one after the other. */
  readonly leaves: Buffer;
  readonly after: readonly Uint8Array[];
  readonly size: number;
}

const maxBytes = 4 * 1024 * 1024;

/**
 * What this process appended to the tree of late, so that who grows the same tree again from what is stored need not hash the same once
 * more. It answers only for the very tree and the very leaves: what comes of it is what hashing would give.
 */
export class GrownStretches {
  readonly #stretches = new Map<number, Stretch>();
  #bytes = 0;

  remember(stretches: readonly Stretch[]): void {
    for (const stretch of stretches) {
      this.#drop(stretch.firstIndex);
      this.#stretches.set(stretch.firstIndex, stretch);
      this.#bytes += stretch.leaves.length;
    }
    for (const firstIndex of this.#stretches.keys()) if (this.#bytes > maxBytes) this.#drop(firstIndex);
  }

  /** The tree after these leaves, or undefined when that is not known. */
  after(tree: Frontier, leaves: Buffer): Frontier | undefined {
    const known = this.#stretches.get(tree.size);
    if (known === undefined || !known.leaves.equals(leaves) || !areSame(known.before, tree.nodes)) return undefined;
    return new Frontier(sha256, known.size, known.after);
  }

  /** Nobody asks for what lies before an index any more. */
  forget(index: number): void {
    for (const firstIndex of this.#stretches.keys()) if (firstIndex < index) this.#drop(firstIndex);
  }

  #drop(firstIndex: number): void {
    this.#bytes -= this.#stretches.get(firstIndex)?.leaves.length ?? 0;
    this.#stretches.delete(firstIndex);
  }
}

function areSame(ones: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return ones.length === others.length && ones.every((one, at) => Buffer.compare(one, others[at] ?? Buffer.of()) === 0);
}
