import { describe, expect, it } from 'vitest';
import { MintBudget } from './mint-budget.ts';

describe('MintBudget', () => {
  let nowMs = 1_000;
  const budget = (perMinute: number, perAgentPerMinute: number) =>
    new MintBudget({ perMinute, perAgentPerMinute, nowMs: () => nowMs });
  const take = (one: MintBudget, agent: string, times: number) =>
    Array.from({ length: times }, () => one.take(agent)).filter((seconds) => seconds === 0).length;

  it('gives an agent a minute’s worth at once, then says when to come again', () => {
    const one = budget(100, 6);
    expect(take(one, 'a', 10)).toBe(6);
    expect(one.take('a')).toBe(10);
    nowMs += 9_000;
    expect(one.take('a')).toBe(1);
    nowMs += 1_000;
    expect(take(one, 'a', 10)).toBe(1);
  });

  it('does not let one agent use up what others have', () => {
    const one = budget(100, 6);
    take(one, 'a', 50);
    expect(take(one, 'b', 6)).toBe(6);
  });

  it('bounds what all take together, and asking in vain costs nothing', () => {
    const one = budget(10, 6);
    expect(take(one, 'a', 50) + take(one, 'b', 50) + take(one, 'c', 50)).toBe(10);
    nowMs += 6_000;
    expect(take(one, 'c', 50)).toBe(1);
  });
});
