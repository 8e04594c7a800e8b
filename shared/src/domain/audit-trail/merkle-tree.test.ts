import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from './bytes.ts';
import { consistencyPath, inclusionPath, isConsistent, rootByInclusion } from './merkle-proof.ts';
import { Frontier, leafHash, nodeHash } from './merkle-tree.ts';

const sha256 = (data: Uint8Array | string): Uint8Array => createHash('sha256').update(data).digest();
const fromHex = (text: string): Uint8Array => Buffer.from(text, 'hex');

/** The definition of RFC 6962, 2.1, as it is written there. */
function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return sha256(new Uint8Array());
  if (leaves.length === 1) return only;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return nodeHash(sha256, rootByDefinition(leaves.slice(0, half)), rootByDefinition(leaves.slice(half)));
}

const leaves = Array.from({ length: 70 }, (_, at) => leafHash(sha256, utf8(`leaf ${at}`)));
const full = async (level: number, place: number): Promise<Uint8Array> => {
  expect((place + 1) * 2 ** level).toBeLessThanOrEqual(leaves.length);
  return rootByDefinition(leaves.slice(place * 2 ** level, (place + 1) * 2 ** level));
};
const rootAt = (size: number): Uint8Array => rootByDefinition(leaves.slice(0, size));

describe('Frontier', () => {
  it('has at each size the root of the definition, also when it goes on from what was kept', () => {
    let frontier = new Frontier(sha256);
    expect(toHex(frontier.root())).toBe(toHex(rootAt(0)));
    for (const [at, leaf] of leaves.entries()) {
      frontier.append(leaf);
      expect(toHex(frontier.root())).toBe(toHex(rootAt(at + 1)));
      frontier = new Frontier(sha256, frontier.size, frontier.nodes);
    }
  });

  it('gives the roots that the test data of Certificate Transparency names', () => {
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const frontier = new Frontier(sha256);
    for (const input of inputs) frontier.append(leafHash(sha256, fromHex(input)));
    expect(toHex(frontier.root())).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('tells of each subtree that becomes full, once', () => {
    const frontier = new Frontier(sha256);
    const told = new Map<string, string>();
    for (const leaf of leaves.slice(0, 64))
      frontier.append(leaf, (level, place, hash) => told.set(`${level} ${place}`, toHex(hash)));
    expect(told.size).toBe(63);
    expect(told.get('6 0')).toBe(toHex(rootAt(64)));
    expect(told.get('2 3')).toBe(toHex(rootByDefinition(leaves.slice(12, 16))));
  });

  it('takes no nodes that are not those of its size', () => {
    expect(() => new Frontier(sha256, 3, [rootAt(1)])).toThrow(RangeError);
    expect(() => new Frontier(sha256, -1)).toThrow(RangeError);
  });
});

describe('proofs', () => {
  it('show each leaf in each tree, and no other leaf and no other tree', async () => {
    for (let size = 1; size <= leaves.length; size += size < 10 ? 1 : 7)
      for (let index = 0; index < size; index++) {
        const path = await inclusionPath(sha256, full, index, size);
        const lead = (leaf: Uint8Array, at: number): string | undefined => {
          const root = rootByInclusion(sha256, leaf, at, size, path);
          return root && toHex(root);
        };
        const root = toHex(rootAt(size));
        expect(lead(leaves[index] ?? root4, index)).toBe(root);
        expect(lead(leaves[(index + 1) % leaves.length] ?? root4, index)).not.toBe(root);
        if (size > 1) expect(lead(leaves[index] ?? root4, (index + 1) % size)).not.toBe(root);
        expect(rootByInclusion(sha256, leaves[index] ?? root4, index, size, [...path, root4])).toBeUndefined();
      }
  });

  it('show that a tree begins with an earlier one, and not with another', async () => {
    for (let size = 1; size <= leaves.length; size += 3)
      for (let first = 1; first <= size; first++) {
        const path = await consistencyPath(sha256, full, first, size);
        const [early, late] = [
          { size: first, root: rootAt(first) },
          { size, root: rootAt(size) },
        ];
        expect(isConsistent(sha256, early, late, path)).toBe(true);
        expect(isConsistent(sha256, { ...early, root: root4 }, late, path)).toBe(false);
        expect(isConsistent(sha256, early, { ...late, root: root4 }, path)).toBe(false);
        expect(isConsistent(sha256, early, late, [...path, root4])).toBe(false);
        if (path.length > 0) expect(isConsistent(sha256, early, late, path.slice(1))).toBe(false);
      }
  });
});

const root4 = leafHash(sha256, utf8('none of them'));
