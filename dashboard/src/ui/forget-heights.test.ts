import { describe, expect, it } from 'vitest';
import { forgetHeights } from './forget-heights.ts';

describe('the heights of rows', () => {
  it('are kept for the rows that there are, and for a bounded number of those that are gone', () => {
    const heights = new Map<string, number>();
    let most = 0;
    for (let newest = 1; newest <= 3_000; newest++) {
      const rows = Array.from({ length: Math.min(newest, 100) }, (_, index) => ({ id: `row ${newest - index}` }));
      heights.set(`row ${newest}`, 37);
      forgetHeights(heights, rows, ({ id }) => id);
      most = Math.max(most, heights.size);
      if (newest % 100 === 0) expect(rows.every(({ id }) => heights.has(id))).toBe(true);
    }
    expect(most).toBe(600);
  });
});
