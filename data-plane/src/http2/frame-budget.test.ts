import { describe, expect, it } from 'vitest';
import { FrameBudget } from './frame-budget.ts';

describe('FrameBudget', () => {
  it('gives the burst, then as many as time brings, and never more than the burst', () => {
    let nowMs = 0;
    const budget = new FrameBudget(3, 2, () => nowMs);
    const takeAll = (): number => {
      let taken = 0;
      while (budget.take()) taken++;
      return taken;
    };
    expect(takeAll()).toBe(3);
    nowMs = 499;
    expect(takeAll()).toBe(0);
    nowMs = 1000;
    expect(takeAll()).toBe(2);
    nowMs = 1_000_000;
    expect(takeAll()).toBe(3);
  });
});
