/* Proofs over the tree of `merkle-tree.ts`, made and checked as RFC 9162, 2.1.3 and 2.1.4, says. */
import { sameBytes } from './bytes.ts';
import { nodeHash, type Sha256 } from './merkle-tree.ts';

/** Gives the hash of a full subtree: 2^level leaves, the `place`th of its level. */
export type FullSubtree = (level: number, place: number) => Promise<Uint8Array>;

/** The leaves from `from` to before `to`, `from` being a multiple of the next power of two. */
async function rangeHash(sha256: Sha256, full: FullSubtree, from: number, to: number): Promise<Uint8Array> {
  const size = to - from;
  const split = splitOf(size);
  if (split === size) return full(Math.log2(size), from / size);
  const left = await full(Math.log2(split), from / split);
  return nodeHash(sha256, left, await rangeHash(sha256, full, from + split, to));
}

/** What leads from the leaf `index` to the root of a tree of `size`, from below. */
export async function inclusionPath(
  sha256: Sha256,
  full: FullSubtree,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + halfOf(to - from);
    const isLeft = index < middle;
    path.unshift(await (isLeft ? rangeHash(sha256, full, middle, to) : rangeHash(sha256, full, from, middle)));
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  return path;
}

/** What shows that a tree of `size` begins with the tree of `first` leaves, 0 < first <= size. */
export async function consistencyPath(
  sha256: Sha256,
  full: FullSubtree,
  first: number,
  size: number,
): Promise<Uint8Array[]> {
  const path: Uint8Array[] = [];
  let [from, to, isWhole] = [0, size, true];
  while (first !== to) {
    const middle = from + halfOf(to - from);
    const isLeft = first <= middle;
    path.unshift(await (isLeft ? rangeHash(sha256, full, middle, to) : rangeHash(sha256, full, from, middle)));
    if (isLeft) to = middle;
    else [from, isWhole] = [middle, false];
  }
  if (!isWhole) path.unshift(await rangeHash(sha256, full, from, to));
  return path;
}

/** The root that a leaf and its path lead to (RFC 9162, 2.1.3.2); undefined when the path has another length. */
export function rootByInclusion(
  sha256: Sha256,
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index < 0 || index >= size) return undefined;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const node of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sha256, node, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else hash = nodeHash(sha256, hash, node);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : undefined;
}

interface Head {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the tree of one head begins with that of an earlier one (RFC 9162, 2.1.4.2). */
export function isConsistent(sha256: Sha256, first: Head, second: Head, path: readonly Uint8Array[]): boolean {
  if (first.size === second.size) return path.length === 0 && sameBytes(first.root, second.root);
  if (first.size < 1 || first.size > second.size) return false;
  const nodes = isPowerOfTwo(first.size) ? [first.root, ...path] : [...path];
  const seed = nodes.shift();
  if (seed === undefined) return false;
  let [at, last] = [first.size - 1, second.size - 1];
  while (at % 2 === 1) [at, last] = [(at - 1) / 2, Math.floor(last / 2)];
  let [early, late] = [seed, seed];
  for (const node of nodes) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [early, late] = [nodeHash(sha256, node, early), nodeHash(sha256, node, late)];
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else late = nodeHash(sha256, late, node);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameBytes(early, first.root) && sameBytes(late, second.root);
}

/** The largest power of two that is not above. */
function splitOf(size: number): number {
  let power = 1;
  while (power * 2 <= size) power *= 2;
  return power;
}

/** The largest power of two that is below. */
function halfOf(size: number): number {
  const power = splitOf(size);
  return power === size ? power / 2 : power;
}

function isPowerOfTwo(size: number): boolean {
  return splitOf(size) === size;
}
