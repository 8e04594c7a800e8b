/*
 * The Merkle tree of RFC 6962, 2.1 (the same as RFC 9162, 2.1): a leaf is hashed with 0x00 before it, two nodes with 0x01, so that
 * neither can be taken for the other.
 */
import { joined } from './bytes.ts';

/** Of bytes, or of a text's UTF-8. */
export type Sha256 = (data: Uint8Array | string) => Uint8Array;

export const hashBytes = 32;
const leafMark = Uint8Array.of(0);
/** The mark of a node and room for two hashes: filled and hashed within one call, for each of which a list of its own would cost more. */
const nodeData = Uint8Array.of(1, ...new Uint8Array(2 * hashBytes));

export function leafHash(sha256: Sha256, leaf: Uint8Array): Uint8Array {
  return sha256(joined(leafMark, leaf));
}

export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeData.set(left, 1);
  nodeData.set(right, 1 + hashBytes);
  return sha256(nodeData);
}

/** Told of a subtree that has become full: 2^level leaves, the `place`th of its level. */
type SubtreeFull = (level: number, place: number, hash: Uint8Array) => void;

/**
 * A tree that only grows, of which no more is kept than is needed for that: the hashes of the full subtrees that its leaves fall
 * into, the largest first. A leaf costs two hashes on average, and no memory.
 */
export class Frontier {
  readonly #sha256: Sha256;
  readonly #nodes: Uint8Array[];
  #size: number;

  /** @throws RangeError when so many nodes are not the frontier of a tree of this size */
  constructor(sha256: Sha256, size = 0, nodes: readonly Uint8Array[] = []) {
    if (!Number.isSafeInteger(size) || size < 0 || nodes.length !== subtreesOf(size))
      throw new RangeError(`A tree of ${size} leaves does not have ${nodes.length} full subtrees`);
    this.#sha256 = sha256;
    this.#size = size;
    this.#nodes = [...nodes];
  }

  get size(): number {
    return this.#size;
  }

  get nodes(): readonly Uint8Array[] {
    return this.#nodes;
  }

  /** Adds a leaf by its hash. */
  append(leaf: Uint8Array, isFull?: SubtreeFull): void {
    let hash = leaf;
    let place = this.#size;
    for (let level = 1; place % 2 === 1; level++) {
      const left = this.#nodes.pop();
      if (left === undefined) throw new Error('The frontier has fewer nodes than its size says');
      hash = nodeHash(this.#sha256, left, hash);
      place = (place - 1) / 2;
      isFull?.(level, place, hash);
    }
    this.#nodes.push(hash);
    this.#size += 1;
  }

  /** The hash of the whole tree; of an empty one that of nothing. */
  root(): Uint8Array {
    return rootOf(this.#sha256, this.#nodes);
  }
}

/** The root over full subtrees, the largest first. */
export function rootOf(sha256: Sha256, nodes: readonly Uint8Array[]): Uint8Array {
  const last = nodes.at(-1);
  if (last === undefined) return sha256(new Uint8Array());
  return nodes.slice(0, -1).reduceRight((right, left) => nodeHash(sha256, left, right), last);
}

/** How many full subtrees the leaves of a tree fall into: the ones in its size. */
function subtreesOf(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
