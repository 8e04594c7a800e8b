import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../../../test/support/redis-server.ts';
import { trailBatch, auditQueueContract } from '../../ports/audit-queue.contract.ts';
import { readRedisSettings, type RedisSettings } from '../../redis-settings.ts';
import { ThreadedAuditQueue } from '../queue/threaded-audit-queue.ts';
import { RedisAuditConsumer, RedisAuditQueue, type RedisAuditQueueOptions } from './audit-queue.ts';
import { redisPrefix } from './redis-prefix.ts';

function settingsOf(url: string): RedisSettings {
  const read = readRedisSettings({ REDIS_URL: url });
  if (read.kind === 'faults' || !read.settings) throw new Error('not the URL of a Redis');
  return read.settings;
}

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };
const file = new URL('../queue/testing/mortal-audit-thread.mjs', import.meta.url);
/** It loads each source by itself, which takes a busy machine seconds. */
const answerTimeoutMs = 40_000;

describe.skipIf(!hasRedis)('on Redis (skipped without redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  const optionsFor = (url: string): RedisAuditQueueOptions => ({
    settings: settingsOf(url),
    prefix: redisPrefix(randomUUID()),
    key: randomBytes(32),
  });

  auditQueueContract('RedisAuditQueue', async () => {
    const options = optionsFor(server.url);
    return { queue: new RedisAuditQueue(options), consumer: new RedisAuditConsumer(options) };
  });

  auditQueueContract('ThreadedAuditQueue', async () => {
    const { key, ...store } = optionsFor(server.url);
    const queue = new ThreadedAuditQueue({ store: { kind: 'redis', ...store }, key, file, answerTimeoutMs });
    return { queue, consumer: new RedisAuditConsumer({ key, ...store }) };
  });

  describe('RedisAuditQueue', () => {
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    function openEnds(options: RedisAuditQueueOptions) {
      const reports: string[] = [];
      const queue = new RedisAuditQueue(options);
      const consumer = new RedisAuditConsumer({ ...options, report: ({ message }) => reports.push(message) });
      const outsider = new Redis(options.settings.hosts[0]?.port ?? 0);
      outsider.on('error', () => undefined);
      ends.push(
        () => queue.close(),
        () => consumer.close(),
        async () => outsider.disconnect(),
      );
      const handled: string[] = [];
      const start = () => consumer.consume(async ({ boot }) => void handled.push(boot));
      return { queue, consumer, outsider, reports, handled, start };
    }

    /** Tries until it is taken, as the worker does. */
    async function addAtLast(queue: RedisAuditQueue, id: string): Promise<void> {
      const attempt = () =>
        queue.add(id, trailBatch(id)).then(
          () => 'added',
          () => 'not yet',
        );
      await expect.poll(attempt, patiently).toBe('added');
    }

    it('sets aside, and reports, what was altered, sealed with another key, or is no batch', async () => {
      const options = optionsFor(server.url);
      const { queue, outsider, reports, handled, start } = openEnds(options);
      const forger = new RedisAuditQueue({ ...options, key: randomBytes(32) });
      ends.push(() => forger.close());
      await forger.add('forged', trailBatch('f-1'));
      await queue.add('altered', trailBatch('a-1'));
      await outsider.hset(`${options.prefix}:audit:altered`, 'data', 'null');
      await queue.add('poisoned', trailBatch('p-1'));
      await outsider.hset(`${options.prefix}:audit:poisoned`, 'data', '{not json', 'opts', '[]', 'rjk', 'x:y:z');
      await queue.add('true', trailBatch('t-1'));
      await start();
      await expect.poll(() => handled, patiently).toEqual(['t-1']);
      expect(reports).toEqual(
        expect.arrayContaining(['Audit batch forged was given up', 'Audit batch altered was given up']),
      );
      // The worker gives it again, and then it is whole.
      await queue.add('altered', trailBatch('a-1'));
      await expect.poll(() => handled, patiently).toEqual(['t-1', 'a-1']);
    });

    it('delivers what is added again after Redis lost everything', async () => {
      const { queue, outsider, handled, start } = openEnds(optionsFor(server.url));
      await queue.add('lost', trailBatch('l-1'));
      await outsider.flushall();
      await start();
      await queue.add('lost', trailBatch('l-1'));
      await expect.poll(() => handled, patiently).toEqual(['l-1']);
      await outsider.flushall();
      await queue.add('next', trailBatch('l-2'));
      await expect.poll(() => handled, patiently).toEqual(['l-1', 'l-2']);
    });

    it('fails at once while Redis is gone, keeps nothing for it, and both ends come back with it', async () => {
      const own = await startRedis();
      ends.push(own.stop);
      const { queue, consumer, handled, start } = openEnds(optionsFor(own.url));
      await start();
      await queue.add('before', trailBatch('g-1'));
      await expect.poll(() => handled, patiently).toEqual(['g-1']);
      await expect.poll(() => consumer.elsewhere.count(), patiently).toEqual({ waiting: 0, active: 0, failed: 0 });
      await own.kill();
      await expect(queue.add('during', trailBatch('g-2'))).rejects.toThrow();
      await expect(queue.add('during', trailBatch('g-2'))).rejects.toThrow();
      await expect.poll(() => consumer.elsewhere.isReachable(), patiently).toBe(false);
      await expect(consumer.elsewhere.count()).rejects.toThrow('cannot be reached');
      await own.start();
      await addAtLast(queue, 'after');
      await expect.poll(() => handled, patiently).toEqual(['g-1', 'after']);
    });

    it('says within seconds that a Redis that hangs does not take a batch, and goes on when it does', async () => {
      const own = await startRedis();
      ends.push(own.stop);
      const { queue, handled, start } = openEnds(optionsFor(own.url));
      await start();
      await queue.add('before', trailBatch('h-1'));
      own.pause();
      try {
        await expect(queue.add('during', trailBatch('h-2'))).rejects.toThrow();
      } finally {
        own.resume();
      }
      await addAtLast(queue, 'after');
      await expect.poll(() => handled, patiently).toEqual(expect.arrayContaining(['h-1', 'after']));
    });

    it('fails and says why when another type lies at its keys, and works again without it', async () => {
      const options = optionsFor(server.url);
      const { queue, outsider, handled, start } = openEnds(options);
      await outsider.set(`${options.prefix}:audit:wait`, 'a string');
      await expect(queue.add('typed', trailBatch('w-1'))).rejects.toThrow('WRONGTYPE');
      await start();
      await outsider.del(`${options.prefix}:audit:wait`);
      await addAtLast(queue, 'after');
      await expect.poll(() => handled, patiently).toEqual(expect.arrayContaining(['after']));
    });

    it('shows Redis nothing of an event', async () => {
      const options = optionsFor(server.url);
      const { queue, outsider, handled, start } = openEnds(options);
      const monitor = await outsider.monitor();
      ends.push(async () => monitor.disconnect());
      const seen: string[] = [];
      monitor.on('monitor', (_time: string, parameters: string[]) => seen.push(parameters.join(' ')));
      await queue.add('sealed', trailBatch('s-1', 1, '/canary/path'));
      const keys = await outsider.keys('*');
      const stored = await Promise.all(
        keys.map(async (key) => `${key} ${(await outsider.dumpBuffer(key)).toString('latin1')}`),
      );
      await start();
      await expect.poll(() => handled, patiently).toEqual(['s-1']);
      const all = [...stored, ...seen].join('\n');
      expect(all).toContain('sealed');
      expect(all).not.toMatch(/canary|my-agent|api\.example\.com/);
      expect(all).not.toContain(options.key.toString('latin1'));
    });

    it('warns of a Redis that throws keys away when it is full', async () => {
      const own = await startRedis('--maxmemory-policy', 'allkeys-lru');
      ends.push(own.stop);
      const { reports, start } = openEnds(optionsFor(own.url));
      await start();
      await expect
        .poll(() => reports, patiently)
        .toEqual([expect.stringContaining('maxmemory-policy is allkeys-lru; set it to noeviction')]);
    });
  });
});
