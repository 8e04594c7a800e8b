import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayeredMap } from './layered-map.ts';

interface Thing {
  readonly name: string;
}

const thing = fc.option(fc.record({ name: fc.constantFrom('x', 'y', 'z') }), { nil: undefined });
const edits = fc.array(fc.tuple(fc.nat(400), thing), { maxLength: 200 });

describe('LayeredMap', () => {
  it('says what a map says that is copied for each change, and leaves those before it as they were', () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 12 }), (changes) => {
        let map = LayeredMap.of<number, Thing>([]);
        let copy = new Map<number, Thing>();
        const before: [LayeredMap<number, Thing>, Map<number, Thing>][] = [];
        for (const change of changes) {
          before.push([map, copy]);
          map = map.with(change);
          copy = new Map(copy);
          for (const [key, value] of change) {
            if (value === undefined) copy.delete(key);
            else copy.set(key, value);
          }
        }
        for (const [layered, plain] of [...before, [map, copy] as const]) {
          expect(new Map(layered)).toEqual(plain);
          expect(layered.size).toBe(plain.size);
          for (let key = 0; key < 401; key += 7) expect(layered.get(key)).toBe(plain.get(key));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('tells what came and what went since the map that it was made of, and of no other', () => {
    fc.assert(
      fc.property(edits, edits, (first, second) => {
        const one = LayeredMap.of<number, Thing>([]).with(first);
        const two = one.with(second);
        if (two === one) return;
        const delta = two.since(one);
        const after = new Set(one.values());
        for (const gone of delta?.removed ?? []) after.delete(gone);
        for (const come of delta?.added ?? []) after.add(come);
        expect(after).toEqual(new Set(two.values()));
        expect(two.since(LayeredMap.of<number, Thing>(one))).toBeUndefined();
        expect(one.since(two)).toBeUndefined();
      }),
    );
  });

  it('is itself when nothing was changed', () => {
    const x = { name: 'x' };
    const map = LayeredMap.of([[1, x]]);
    expect(
      map.with([
        [1, x],
        [2, undefined],
      ]),
    ).toBe(map);
    expect(map.has(1)).toBe(true);
    expect(map.has(2)).toBe(false);
  });
});
