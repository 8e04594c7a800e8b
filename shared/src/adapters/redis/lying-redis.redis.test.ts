import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { trailBatch } from '../../ports/audit-queue.contract.ts';
import { readRedisSettings } from '../../redis-settings.ts';
import { RedisAuditConsumer, RedisAuditQueue } from './audit-queue.ts';
import { RedisConfigBus } from './config-bus.ts';
import { redisPrefix } from './redis-prefix.ts';
import { RedisSharedCounts } from './shared-counts.ts';

/** What no Redis would ever answer; with each a process must live. */
const lies: readonly (readonly [string, string])[] = [
  ['an empty push', '*0\r\n'],
  ['nothing, three times', '$-1\r\n*-1\r\n$-1\r\n'],
  ['answers to nothing that was asked', '+OK\r\n:7\r\n-ERR no\r\n+OK\r\n'],
  ['a message of nothing', '*3\r\n$7\r\nmessage\r\n$-1\r\n$-1\r\n'],
  ['an array longer than there can be', '*99999999999\r\n'],
  ['a text longer than there can be', `$99999999999\r\n${'x'.repeat(1000)}`],
  ['numbers without sense', ':-9223372036854775808\r\n:99999999999999999999\r\n'],
  ['arrays in arrays', `${'*1\r\n'.repeat(20_000)}:1\r\n`],
  ['no RESP at all', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['bytes', randomBytes(4096).toString('latin1')],
];

describe('a server that only says that it is Redis', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Answers what a connection needs to be taken for a good one, and lies from then on. */
  async function startLiar(lie: string): Promise<{ url: string; lied: () => number }> {
    const sockets = new Set<Socket>();
    let lied = 0;
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', (data) => {
        const text = data.toString('latin1').toLowerCase();
        const asked = text.match(/\r\n(?:client|info|subscribe|publish|eval|evalsha|hset|hmset)\r\n/g) ?? ['?'];
        for (const command of asked) {
          if (command.includes('client')) socket.write('+OK\r\n');
          else if (command.includes('info')) socket.write('$19\r\nredis_version:7.0.0\r\n');
          else {
            lied += 1;
            socket.write(Buffer.from(lie, 'latin1'));
          }
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, lied: () => lied };
  }

  async function survive(lie: string): Promise<void> {
    const { url, lied } = await startLiar(lie);
    const read = readRedisSettings({ REDIS_URL: url });
    if (read.kind === 'faults' || !read.settings) throw new Error('not the URL of a Redis');
    const options = { settings: read.settings, prefix: redisPrefix('liar'), key: randomBytes(32) };
    const bus = new RedisConfigBus(options);
    const queue = new RedisAuditQueue(options);
    const reports: string[] = [];
    const consumer = new RedisAuditConsumer({ ...options, report: ({ message }) => reports.push(message) });
    const counts = new RedisSharedCounts(options);
    const heard: number[] = [];
    const handled: unknown[] = [];
    void bus.listen((revision) => heard.push(revision), new AbortController().signal);
    void consumer.consume(async (batch) => void handled.push(batch));
    const [, , , others] = await Promise.all([
      bus.announce(1).catch(() => undefined),
      queue.add('batch', trailBatch('boot')).catch(() => undefined),
      counts.count('key', 60),
      counts.enter('key', 1, 1),
    ]);
    expect(others === undefined || others >= 0).toBe(true);
    await expect.poll(lied, { timeout: 20_000 }).toBeGreaterThan(2);
    expect([heard, handled]).toEqual([[], []]);
    // It asks again and again, with pauses: not as fast as it can, which is a thousand times a second.
    expect(reports.length).toBeLessThan(100);
    await Promise.all([bus, queue, consumer, counts].map((each) => each.close()));
  }

  // What ends a process is an error that nobody catches: vitest fails the run for one.
  it('is survived, whatever it says', async () => {
    await Promise.all(lies.map(([, lie]) => survive(lie)));
  });
});
