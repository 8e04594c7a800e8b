import { describe, expect, it } from 'vitest';
import { niceTop } from './chart-geometry.ts';

describe('the top of a chart', () => {
  it('is a round number that is not below the highest value', () => {
    expect([0, 0.3, 1, 3, 7, 11, 260, 4_198].map((highest) => niceTop(highest, false))).toEqual([
      1, 0.4, 1, 4, 8, 20, 400, 6_000,
    ]);
  });

  it('of what is counted has a whole number at its half: there is no half a request', () => {
    const tops = Array.from({ length: 1_000 }, (_, highest) => [highest, niceTop(highest, true)] as const);
    expect(tops.filter(([highest, top]) => top < highest || top % 2 !== 0)).toEqual([]);
  });
});
