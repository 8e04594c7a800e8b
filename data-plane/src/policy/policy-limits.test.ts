import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import type { SharedCounts } from '@onecli/shared/ports/shared-counts';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Admission, PolicyLimits } from './policy-limits.ts';

const limit = (more: Partial<RuleLimits> = {}): RuleLimits => ({
  rule: 'p/rules/0',
  key: 'policy-1/0',
  rate: undefined,
  maxConcurrent: undefined,
  isMonitored: false,
  ...more,
});
const rated = (requests: number, perSeconds = 60, by: 'agent' | 'rule' = 'agent', more: Partial<RuleLimits> = {}) =>
  limit({ rate: { requests, perSeconds, by }, ...more });

/** Sends so many requests one after the other; none of them ends. */
async function send(limits: PolicyLimits, rules: readonly RuleLimits[], agent: string, count: number) {
  const outcomes: Admission[] = [];
  for (let at = 0; at < count; at++) outcomes.push(await limits.admit(rules, agent));
  return outcomes.map((one) => (one.kind === 'admitted' ? 'ok' : one.code));
}

afterEach(() => vi.useRealTimers());

describe('PolicyLimits: rates', () => {
  it('lets so many requests of an agent pass, and says when the next may come', async () => {
    vi.useFakeTimers();
    const limits = new PolicyLimits();
    expect(await send(limits, [rated(2)], 'a', 2)).toEqual(['ok', 'ok']);
    vi.advanceTimersByTime(15_500);
    expect(await limits.admit([rated(2)], 'a')).toEqual({
      kind: 'limited',
      code: 'RATE_LIMITED',
      rule: 'p/rules/0',
      retryAfterSeconds: 45,
    });
    vi.advanceTimersByTime(44_500);
    expect(await send(limits, [rated(2)], 'a', 3)).toEqual(['ok', 'ok', 'RATE_LIMITED']);
  });

  it('counts each agent for itself, or all of a rule together', async () => {
    const limits = new PolicyLimits();
    expect(await send(limits, [rated(1)], 'a', 2)).toEqual(['ok', 'RATE_LIMITED']);
    expect(await send(limits, [rated(1)], 'b', 1)).toEqual(['ok']);
    const together = rated(1, 60, 'rule', { key: 'policy-1/1' });
    expect(await send(limits, [together], 'a', 1)).toEqual(['ok']);
    expect(await send(limits, [together], 'b', 1)).toEqual(['RATE_LIMITED']);
  });

  it('takes nothing of one limit for a request that another one refuses', async () => {
    const limits = new PolicyLimits();
    const [wide, narrow] = [rated(3, 60, 'agent', { key: 'wide' }), rated(1, 60, 'agent', { key: 'narrow' })];
    expect(await send(limits, [wide, narrow], 'a', 5)).toEqual(['ok', ...Array<string>(4).fill('RATE_LIMITED')]);
    expect(await send(limits, [wide], 'a', 3)).toEqual(['ok', 'ok', 'RATE_LIMITED']);
  });

  it('takes nothing of a rate for a request that comes while too many are under way', async () => {
    const limits = new PolicyLimits();
    const rule = rated(2, 60, 'agent', { maxConcurrent: 1 });
    const first = await limits.admit([rule], 'a');
    expect(await send(limits, [rule], 'a', 3)).toEqual(Array<string>(3).fill('TOO_MANY_CONCURRENT'));
    if (first.kind === 'admitted') first.release();
    expect(await send(limits, [rule], 'a', 1)).toEqual(['ok']);
  });

  it('takes nothing back from the time after the one that a request was refused in', async () => {
    vi.useFakeTimers();
    let answerMs = 0;
    const shared: SharedCounts = {
      count: async () => {
        if (answerMs > 0) await new Promise((resolve) => setTimeout(resolve, answerMs));
        return { requests: 1, msBeforeNext: 1 };
      },
      takeBack: () => Promise.resolve(),
      enter: () => Promise.resolve(0),
      hold: () => undefined,
      close: () => Promise.resolve(),
    };
    const limits = new PolicyLimits(shared);
    expect(await send(limits, [rated(2, 1)], 'a', 2)).toEqual(['ok', 'ok']);
    vi.advanceTimersByTime(900);
    // Refused in this time, and told of it in the next one.
    answerMs = 200;
    const late = Promise.all(Array.from({ length: 20 }, () => send(limits, [rated(2, 1)], 'a', 1)));
    await vi.advanceTimersByTimeAsync(200);
    expect(new Set((await late).flat())).toEqual(new Set(['RATE_LIMITED']));
    answerMs = 0;
    expect(await send(limits, [rated(2, 1)], 'a', 4)).toEqual(['ok', 'ok', 'RATE_LIMITED', 'RATE_LIMITED']);
  });

  it('takes a changed rate for the time that runs', async () => {
    const limits = new PolicyLimits();
    await send(limits, [rated(5)], 'a', 3);
    expect(await send(limits, [rated(2)], 'a', 1)).toEqual(['RATE_LIMITED']);
    expect(await send(limits, [rated(4)], 'a', 2)).toEqual(['ok', 'RATE_LIMITED']);
  });
});

describe('PolicyLimits: requests at once', () => {
  it('lets so many of an agent be under way, and the next when one is over', async () => {
    const limits = new PolicyLimits();
    const rule = limit({ maxConcurrent: 2 });
    const first = await limits.admit([rule], 'a');
    expect(await send(limits, [rule], 'a', 2)).toEqual(['ok', 'TOO_MANY_CONCURRENT']);
    expect(await send(limits, [rule], 'b', 1)).toEqual(['ok']);
    if (first.kind === 'admitted') {
      first.release();
      first.release();
    }
    expect(await send(limits, [rule], 'a', 2)).toEqual(['ok', 'TOO_MANY_CONCURRENT']);
  });

  it('gives its place back when it is refused by a rate, or cannot be counted', async () => {
    const limits = new PolicyLimits();
    const rule = rated(0, 60, 'agent', { maxConcurrent: 1 });
    expect(await send(limits, [rule], 'a', 2)).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
    const away = new RateLimiterMemory({ points: 1, duration: 1 });
    away.consume = () => Promise.reject(new Error('the store is away'));
    const broken = new PolicyLimits(undefined, away);
    await expect(broken.admit([rated(1, 60, 'agent', { maxConcurrent: 1 })], 'a')).rejects.toThrow('away');
    expect([limits.underwayCount, broken.underwayCount]).toEqual([0, 0]);
  });

  it('keeps nothing of agents that have no request under way', async () => {
    const limits = new PolicyLimits();
    for (let at = 0; at < 100; at++) {
      const admission = await limits.admit([limit({ maxConcurrent: 5 })], `agent-${at}`);
      if (admission.kind === 'admitted') admission.release();
    }
    expect(limits.underwayCount).toBe(0);
  });
});

describe('PolicyLimits: monitor mode', () => {
  it('lets pass what exceeds a limit, and names its rule', async () => {
    const limits = new PolicyLimits();
    const rules = [rated(1, 60, 'agent', { isMonitored: true, maxConcurrent: 2 })];
    const exceeded = async () => {
      const admission = await limits.admit(rules, 'a');
      return admission.kind === 'admitted' ? admission.exceeded : admission.code;
    };
    expect([await exceeded(), await exceeded(), await exceeded()]).toEqual([undefined, 'p/rules/0', 'p/rules/0']);
  });

  it('keeps to a limit that is enforced beside it', async () => {
    const rules = [rated(0, 60, 'agent', { isMonitored: true }), rated(1, 60, 'agent', { key: 'other' })];
    expect(await send(new PolicyLimits(), rules, 'a', 2)).toEqual(['ok', 'RATE_LIMITED']);
  });
});
