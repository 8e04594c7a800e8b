import { describe, expect, it } from 'vitest';
import { TrailFaults } from './trail-faults.ts';

describe('TrailFaults', () => {
  it('keep the first hundred by their places, the lowest too when it is found after thousands, and count all', () => {
    const faults = new TrailFaults();
    const add = (index: number) => faults.add({ kind: 'ROW_ALTERED', index, id: `${index}`, message: '' });
    for (let index = 5_000; index > 1_000; index--) add(index);
    for (let index = 5_001; index < 9_000; index++) add(index);
    add(7);
    expect(faults.count).toBe(8_000);
    expect(faults.first).toHaveLength(100);
    expect(faults.first.slice(0, 3).map(({ index }) => index)).toEqual([7, 1_001, 1_002]);
  });
});
