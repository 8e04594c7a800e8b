import { randomBytes, randomUUID } from 'node:crypto';
import { RedisSharedCounts } from '@onecli/shared/adapters/redis/shared-counts';
import { redisPrefix } from '@onecli/shared/adapters/redis/redis-prefix';
import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import { readRedisSettings } from '@onecli/shared/redis-settings';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../../test/support/redis-server.ts';
import { type Admission, PolicyLimits } from './policy-limits.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };
const agent = 'agent-canary';
const rule = (more: Partial<RuleLimits>): RuleLimits => ({
  rule: 'p/rules/0',
  key: 'rule-canary/0',
  rate: undefined,
  maxConcurrent: undefined,
  isMonitored: false,
  ...more,
});
const rated = (requests: number, perSeconds = 600): RuleLimits => rule({ rate: { requests, perSeconds, by: 'agent' } });
const atOnce = (maxConcurrent: number): RuleLimits => rule({ maxConcurrent });

const outcome = (one: Admission): string => (one.kind === 'admitted' ? 'ok' : one.code);
const ask = async (worker: PolicyLimits, limit: RuleLimits): Promise<string> =>
  outcome(await worker.admit([limit], agent));

describe.skipIf(!hasRedis)('PolicyLimits of several workers on Redis (skipped without redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await server.command('FLUSHALL');
  });

  /** Workers of one instance; each has a connection that is up. */
  async function startWorkers(count: number, { leaseMs = 15_000, on = server } = {}) {
    const read = readRedisSettings({ REDIS_URL: on.url });
    if (read.kind === 'faults' || !read.settings) throw new Error('not the URL of a Redis');
    const options = { settings: read.settings, prefix: redisPrefix(randomUUID()), key: randomBytes(32), leaseMs };
    const workers = Array.from({ length: count }, () => {
      const counts = new RedisSharedCounts(options);
      ends.push(() => counts.close());
      return { counts, limits: new PolicyLimits(counts) };
    });
    for (const { counts } of workers) await expect.poll(() => counts.count('is it up', 1), patiently).toBeDefined();
    return workers;
  }

  async function pair(options: { leaseMs?: number; on?: RedisServer } = {}) {
    const [one, other] = await startWorkers(2, options);
    if (!one || !other) throw new Error('two were asked for');
    return { one: one.limits, other: other.limits, counts: one.counts };
  }

  it('count requests together', async () => {
    const { one, other } = await pair();
    expect([await ask(one, rated(3)), await ask(other, rated(3)), await ask(one, rated(3))]).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    expect(await other.admit([rated(3)], agent)).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 600 });
    expect(await ask(one, rated(3))).toBe('RATE_LIMITED');
    // What was refused has taken nothing.
    expect(await ask(other, rated(4))).toBe('ok');
  });

  it('take back what was refused in its own time alone, and never bring a count below none', async () => {
    const { counts } = await pair();
    const counted = await counts.count('k', 2);
    if (!counted) throw new Error('Redis is up');
    await counts.takeBack('k', counted);
    await counts.takeBack('k', counted);
    expect(await counts.count('k', 2)).toMatchObject({ requests: 1 });
    // As after the end of its time: the key is gone, and then of another request, with more time left.
    await server.command('FLUSHALL');
    await counts.takeBack('k', counted);
    expect(await counts.count('k', 600)).toMatchObject({ requests: 1 });
    await counts.takeBack('k', counted);
    expect(await counts.count('k', 600)).toMatchObject({ requests: 2 });
  });

  it('have places together, and a place that is let go is free for all', async () => {
    const { one, other } = await pair();
    const first = await one.admit([atOnce(2)], agent);
    expect(await ask(other, atOnce(2))).toBe('ok');
    expect([await ask(one, atOnce(2)), await ask(other, atOnce(2))]).toEqual(Array(2).fill('TOO_MANY_CONCURRENT'));
    if (first.kind === 'admitted') first.release();
    await expect.poll(() => ask(other, atOnce(2)), patiently).toBe('ok');
    expect(await ask(one, atOnce(2))).toBe('TOO_MANY_CONCURRENT');
  });

  it('let pass what exceeds a limit together in monitor mode, and name its rule', async () => {
    const { one, other } = await pair();
    const watched = { ...atOnce(1), isMonitored: true };
    expect(await one.admit([watched], agent)).toMatchObject({ kind: 'admitted', exceeded: undefined });
    expect(await other.admit([watched], agent)).toMatchObject({ kind: 'admitted', exceeded: 'p/rules/0' });
  });

  it('keep the places of requests that last, and free those of a worker that died', async () => {
    const { one, other, counts } = await pair({ leaseMs: 2000 });
    expect([await ask(one, atOnce(2)), await ask(other, atOnce(2))]).toEqual(['ok', 'ok']);
    const until = Date.now() + 3000;
    while (Date.now() < until) {
      expect(await ask(other, atOnce(2))).toBe('TOO_MANY_CONCURRENT');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await counts.close();
    await expect.poll(() => ask(other, atOnce(2)), patiently).toBe('ok');
    expect(await ask(other, atOnce(2))).toBe('TOO_MANY_CONCURRENT');
  });

  it('let no worker have more than its own limit, whatever Redis says', async () => {
    const { one } = await pair();
    expect([await ask(one, rated(2)), await ask(one, atOnce(2))]).toEqual(['ok', 'ok']);
    for (const key of String(await server.command('KEYS', '*:rate:*')).split('\n'))
      await server.command('SET', key, '-1000000', 'EX', '600');
    for (const key of String(await server.command('KEYS', '*:held:*')).split('\n')) await server.command('DEL', key);
    expect([await ask(one, rated(2)), await ask(one, rated(2))]).toEqual(['ok', 'RATE_LIMITED']);
    expect([await ask(one, atOnce(2)), await ask(one, atOnce(2))]).toEqual(['ok', 'TOO_MANY_CONCURRENT']);
  });

  it('go by their own counts where something else lies at their keys', async () => {
    const { one, other } = await pair();
    expect([await ask(one, rated(2)), await ask(one, atOnce(2))]).toEqual(['ok', 'ok']);
    for (const key of String(await server.command('KEYS', '*')).split('\n')) {
      await server.command('DEL', key);
      await server.command('LPUSH', key, 'nonsense');
    }
    expect([await ask(one, rated(2)), await ask(one, rated(2))]).toEqual(['ok', 'RATE_LIMITED']);
    expect([await ask(other, atOnce(2)), await ask(other, atOnce(2)), await ask(other, atOnce(2))]).toEqual([
      'ok',
      'ok',
      'TOO_MANY_CONCURRENT',
    ]);
  });

  it('tell a Redis that has lost everything which places they hold', async () => {
    const { one, other } = await pair({ leaseMs: 900 });
    expect(await ask(one, atOnce(1))).toBe('ok');
    await server.command('FLUSHALL');
    await expect.poll(() => server.command('KEYS', '*:held:*'), patiently).not.toBe('');
    expect(await ask(other, atOnce(1))).toBe('TOO_MANY_CONCURRENT');
  });

  it('go by their own counts while Redis is gone or hangs, and count together again when it is back', async () => {
    const own = await startRedis();
    ends.push(own.stop);
    const { one, other } = await pair({ on: own });
    own.pause();
    expect([await ask(one, rated(1)), await ask(one, rated(1))]).toEqual(['ok', 'RATE_LIMITED']);
    own.resume();
    await own.kill();
    expect([await ask(other, rated(1)), await ask(other, rated(1))]).toEqual(['ok', 'RATE_LIMITED']);
    await own.start();
    const fresh = (): RuleLimits => ({ ...rated(1), key: randomUUID() });
    await expect
      .poll(async () => {
        const limit = fresh();
        return [await ask(one, limit), await ask(other, limit)];
      }, patiently)
      .toEqual(['ok', 'RATE_LIMITED']);
  });

  it('name neither rule nor agent to Redis', async () => {
    const { one } = await pair();
    await ask(one, rated(2));
    await ask(one, atOnce(2));
    const keys = String(await server.command('KEYS', '*'));
    expect(keys).toMatch(/^onecli-[0-9a-f]{16}:(?:rate|held):[\w-]{22}$/m);
    expect(keys).not.toMatch(/canary/);
  });
});
