import { describe, expect, it } from 'vitest';
import { heldText, isHeld } from './held.ts';

const holders = (behind: number, renewed: number) =>
  Array.from({ length: behind + renewed }, (_, index) => ({
    agent: `agent-${index}`,
    expiresAt: '2030-01-01T00:00:00.000Z',
    isRenewed: index >= behind,
  }));

const held = (behind: number, renewed: number, more = 0) => ({
  holders: holders(behind, renewed),
  holderCount: behind + renewed + more,
  unrecordedUntil: null,
});

describe('a client authority', () => {
  it('is held by agents with certificates, and by whoever may have one that nobody wrote down', () => {
    expect(isHeld(held(0, 0))).toBe(false);
    expect(isHeld(held(0, 1))).toBe(true);
    expect(isHeld({ ...held(0, 0), unrecordedUntil: '2030-01-01T00:00:00.000Z' })).toBe(true);
  });

  it('tells how many of them have nothing newer', () => {
    expect(heldText(held(0, 0))).toBe('no agent that is known');
    expect(heldText(held(1, 0))).toBe('1 agent, 1 without a newer certificate');
    expect(heldText(held(0, 2))).toBe('2 agents, each with a newer certificate too');
    expect(heldText(held(2, 1))).toBe('3 agents, 2 without a newer certificate');
  });

  it('does not take those that are named for all of them', () => {
    expect(heldText(held(100, 0, 20))).toBe('120 agents, at least 100 without a newer certificate');
    expect(heldText(held(99, 1, 20))).toBe('120 agents, 99 without a newer certificate');
  });
});
