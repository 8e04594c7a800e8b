import { randomBytes } from 'node:crypto';
import { Frontier } from '@onecli/shared/domain/audit-trail/merkle-tree';
import { describe, expect, it } from 'vitest';
import { GrownStretches, type Stretch } from './grown-stretches.ts';
import { sha256 } from './node-hashes.ts';
import { hashesOf } from './tree-row.ts';

/** Appends so many leaves, and tells how. */
function appended(tree: Frontier, count: number): Stretch {
  const [firstIndex, before, leaves] = [tree.size, [...tree.nodes], randomBytes(32 * count)];
  for (const leaf of hashesOf(leaves)) tree.append(leaf);
  return { firstIndex, before, leaves, after: [...tree.nodes], size: tree.size };
}

const copyOf = ({ size, nodes }: Frontier): Frontier => new Frontier(sha256, size, nodes);

describe('GrownStretches', () => {
  it('gives the tree that hashing the leaves gives', () => {
    const grown = new GrownStretches();
    const tree = new Frontier(sha256);
    const stretches = [7, 1, 512, 300].map((count) => appended(tree, count));
    grown.remember(stretches);
    let again: Frontier | undefined = new Frontier(sha256);
    for (const { leaves } of stretches) again = again && grown.after(again, leaves);
    expect(again?.size).toBe(820);
    expect(again?.root()).toEqual(tree.root());
  });

  it('knows nothing of other leaves, of another tree of that size, and of what it forgot', () => {
    const grown = new GrownStretches();
    const tree = new Frontier(sha256);
    appended(tree, 5);
    const [before, other] = [copyOf(tree), new Frontier(sha256)];
    appended(other, 5);
    const stretch = appended(tree, 3);
    grown.remember([stretch]);
    const altered = Buffer.from(stretch.leaves);
    altered[95] = (altered[95] ?? 0) ^ 1;
    expect(grown.after(before, altered)).toBeUndefined();
    expect(grown.after(before, stretch.leaves.subarray(0, 64))).toBeUndefined();
    expect(grown.after(other, stretch.leaves)).toBeUndefined();
    expect(grown.after(before, stretch.leaves)?.root()).toEqual(tree.root());
    grown.forget(8);
    expect(grown.after(before, stretch.leaves)).toBeUndefined();
  });

  it('goes by the last of several that began at the same place: those before were undone', () => {
    const grown = new GrownStretches();
    const tree = new Frontier(sha256);
    const undone = appended(copyOf(tree), 4);
    const done = appended(tree, 4);
    grown.remember([undone]);
    grown.remember([done]);
    expect(grown.after(new Frontier(sha256), done.leaves)?.root()).toEqual(tree.root());
    expect(grown.after(new Frontier(sha256), undone.leaves)).toBeUndefined();
  });

  it('keeps no more than four mebibytes, and the newest of it', () => {
    const grown = new GrownStretches();
    const tree = new Frontier(sha256);
    const starts: Frontier[] = [];
    const stretches = Array.from({ length: 5 }, (_, at) => {
      starts.push(copyOf(tree));
      // Of one mebibyte each, and without the hashing.
      const leaves = Buffer.alloc(1024 * 1024, at);
      const stretch = {
        firstIndex: tree.size,
        before: [...tree.nodes],
        leaves,
        after: [...tree.nodes],
        size: tree.size,
      };
      tree.append(randomBytes(32));
      return stretch;
    });
    for (const stretch of stretches) grown.remember([stretch]);
    const known = starts.map((start, at) => grown.after(start, stretches[at]?.leaves ?? Buffer.of()) !== undefined);
    expect(known).toEqual([false, false, true, true, true]);
  });

  it('counts what a small one takes in memory, not its leaf alone', () => {
    const grown = new GrownStretches();
    const tree = new Frontier(sha256);
    const first = appended(tree, 1);
    grown.remember([first]);
    for (let count = 0; count < 8_000; count++) grown.remember([appended(tree, 1)]);
    expect(grown.after(new Frontier(sha256), first.leaves)).toBeUndefined();
  });
});
