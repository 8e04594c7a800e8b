import { describe, expect, it } from 'vitest';
import { percentileOf } from './latency-classes.ts';

const classOf = (ms: number): number => Math.ceil(Math.log(1 + ms) * 16);
function counted(times: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const ms of times) counts.set(classOf(ms), (counts.get(classOf(ms)) ?? 0) + 1);
  return counts;
}

describe('percentileOf', () => {
  it('is within 6 % of the exact one, from a tenth of a millisecond to minutes', () => {
    const times = Array.from({ length: 10_000 }, (_, index) => 0.1 * 1.0015 ** index).sort((a, b) => a - b);
    for (const share of [0.5, 0.95, 0.99]) {
      const exact = times[Math.ceil(share * times.length) - 1] ?? 0;
      expect(Math.abs((percentileOf(counted(times), share) ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.06 + 0.1);
    }
  });

  it('is null of none, and 0 of what took no time', () => {
    expect(percentileOf(new Map(), 0.5)).toBeNull();
    expect(percentileOf(counted([0, 0, 0]), 0.99)).toBe(0);
  });
});
