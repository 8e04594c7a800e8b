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
/** Of each stretch, and of each hash of a tree, in memory. */
const stretchBytes = 512;
const nodeBytes = 128;

/**
 * What this process appended to the tree of late, so that who grows the same tree again from what is stored need not hash the same once
 * more. It answers only for the very tree and the very leaves: what comes of it is what hashing would give.
 */
export class GrownStretches {
  readonly #stretches = new Map<number, Stretch>();
  #bytes = 0;

  remember(stretches: readonly Stretch[]): void {
    // What else a stretch may carry, its lines for one, is not held.
    for (const { firstIndex, before, leaves, after, size } of stretches) {
      this.#drop(firstIndex);
      const stretch = { firstIndex, before, leaves, after, size };
      this.#stretches.set(firstIndex, stretch);
      this.#bytes += cost(stretch);
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
    const stretch = this.#stretches.get(firstIndex);
    if (stretch === undefined) return;
    this.#bytes -= cost(stretch);
    this.#stretches.delete(firstIndex);
  }
}

function cost({ leaves, before, after }: Stretch): number {
  return leaves.length + stretchBytes + nodeBytes * (before.length + after.length);
}

function areSame(ones: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return ones.length === others.length && ones.every((one, at) => Buffer.compare(one, others[at] ?? Buffer.of()) === 0);
}
