import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../../../test/support/redis-server.ts';
import { configBusContract, Listener } from '../../ports/config-bus.contract.ts';
import { readRedisSettings, type RedisSettings } from '../../redis-settings.ts';
import { RedisConfigBus } from './config-bus.ts';
import { redisPrefix } from './redis-prefix.ts';

function settingsOf(url: string): RedisSettings {
  const read = readRedisSettings({ REDIS_URL: url });
  if (read.kind === 'faults' || !read.settings) throw new Error('not the URL of a Redis');
  return read.settings;
}

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };

describe.skipIf(!hasRedis)('on Redis (skipped without redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  configBusContract('RedisConfigBus', async () => {
    const options = { settings: settingsOf(server.url), prefix: redisPrefix(randomUUID()), key: randomBytes(32) };
    return { connect: () => new RedisConfigBus(options) };
  });

  describe('RedisConfigBus', () => {
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    async function openBus(url = server.url) {
      const options = { settings: settingsOf(url), prefix: redisPrefix(randomUUID()), key: randomBytes(32) };
      const bus = new RedisConfigBus(options);
      const outsider = new Redis(url);
      outsider.on('error', () => undefined);
      const listener = new Listener(bus);
      ends.push(
        async () => outsider.disconnect(),
        () => bus.close(),
      );
      await listener.isListening(bus);
      return { bus, outsider, listener, options, channel: `${options.prefix}:revision` };
    }

    /** The number of the connection that listens. */
    async function listenerOf(outsider: Redis): Promise<string | undefined> {
      const list = String(await outsider.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
      return /^id=([0-9]+) .*name=onecli-listener/m.exec(list)?.[1];
    }

    /** Everything that is said on the bus from now on. */
    async function overhear(url: string, channel: string): Promise<string[]> {
      const spy = new Redis(url);
      ends.push(async () => spy.disconnect());
      const overheard: string[] = [];
      spy.on('message', (_channel, message) => overheard.push(message));
      await spy.subscribe(channel);
      return overheard;
    }

    it('says nothing but the number and its authentication code', async () => {
      const { bus, listener, channel } = await openBus();
      const overheard = await overhear(server.url, channel);
      await bus.announce(12);
      await listener.hears(12);
      await expect.poll(() => overheard, patiently).toEqual([expect.stringMatching(/^12:[0-9a-f]{64}$/)]);
    });

    it('ignores what does not carry its key, is altered, or is no announcement at all', async () => {
      const { bus, outsider, listener, options, channel } = await openBus();
      const overheard = await overhear(server.url, channel);
      const forger = new RedisConfigBus({ ...options, key: randomBytes(32) });
      ends.push(() => forger.close());
      await forger.announce(900);
      await bus.announce(7);
      await listener.hears(7);
      await expect.poll(() => overheard.length, patiently).toBe(2);
      const mac = overheard[1]?.split(':')[1];
      const forgeries = [
        '901',
        '901:',
        `901:${mac}`,
        `07:${mac}`,
        `7:${mac} `,
        `-7:${mac}`,
        '\0\xff',
        'x'.repeat(500_000),
      ];
      for (const payload of forgeries) expect(await outsider.publish(channel, payload)).toBeGreaterThan(0);
      await bus.announce(8);
      await listener.hears(8);
      expect(listener.heard.filter((revision) => revision > 0)).toEqual([7, 8]);
    });

    it('is deaf to the announcements of another instance on the same Redis', async () => {
      const { bus, listener, options } = await openBus();
      const other = new RedisConfigBus({ ...options, prefix: redisPrefix(randomUUID()) });
      ends.push(() => other.close());
      await other.announce(77);
      await bus.announce(5);
      await listener.hears(5);
      expect(listener.heard).not.toContain(77);
    });

    it('lives through a flood of 100,000 messages and one of twenty megabytes, and hears what comes after', async () => {
      const { bus, outsider, listener, channel } = await openBus();
      const before = process.memoryUsage().rss;
      for (let turn = 0; turn < 100; turn++) {
        const flood = outsider.pipeline();
        for (let at = 0; at < 1000; at++) flood.publish(channel, `${turn * 1000 + at + 1000}:${'ab'.repeat(32)}`);
        await flood.exec();
      }
      await listener.isListening(bus);
      const connection = await listenerOf(outsider);
      await outsider.publish(channel, Buffer.alloc(20 * 1024 * 1024, 'x'));
      // It was cut while the message came in, and not by Redis, which bears 32 megabytes.
      await expect.poll(() => listenerOf(outsider), patiently).not.toBe(connection);
      await listener.isListening(bus);
      await expect
        .poll(async () => {
          await bus.announce(44);
          return listener.heard.includes(44);
        }, patiently)
        .toBe(true);
      expect(listener.heard.filter((revision) => revision > 0 && revision !== 44)).toEqual([]);
      expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    });

    it('listens again after its connection was cut, and after Redis was killed and started again', async () => {
      const own = await startRedis();
      ends.push(own.stop);
      const { bus, outsider, listener } = await openBus(own.url);
      expect(await outsider.client('KILL', 'TYPE', 'pubsub')).toBe(1);
      await bus.announce(0).catch(() => undefined);
      await listener.isListening(bus);
      await own.kill();
      await expect(bus.announce(9)).rejects.toThrow();
      await own.start();
      await expect
        .poll(async () => {
          await bus.announce(10).catch(() => undefined);
          return listener.heard.includes(10);
        }, patiently)
        .toBe(true);
      expect(listener.heard).not.toContain(9);
    });

    it('says within seconds that a Redis that hangs does not take an announcement, and goes on when it does', async () => {
      const own = await startRedis();
      ends.push(own.stop);
      const { bus, listener } = await openBus(own.url);
      own.pause();
      try {
        await expect(bus.announce(20)).rejects.toThrow();
      } finally {
        own.resume();
      }
      await expect
        .poll(async () => {
          await bus.announce(21).catch(() => undefined);
          return listener.heard.includes(21);
        }, patiently)
        .toBe(true);
    });
  });
});
