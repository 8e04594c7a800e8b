import { describe, expect, it } from 'vitest';
import { forgetHeights, heightsOf } from './row-heights.ts';

describe('the heights of rows', () => {
  it('are those of the same list each time that it is shown, and of no other', () => {
    const [columns, others] = [[{ head: 'Name' }], [{ head: 'Name' }]];
    heightsOf(columns).set('a row', 41);
    expect(heightsOf(columns).get('a row')).toBe(41);
    expect(heightsOf(others).size).toBe(0);
  });

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
