import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hasRedis, startRedis } from '../../../../test/support/redis-server.ts';
import { startCluster, startSentinels } from '../../../../test/support/redis-topologies.ts';
import { makeTestAuthority } from '../../../../test/support/test-authority.ts';
import { trailBatch } from '../../ports/audit-queue.contract.ts';
import { readRedisSettings } from '../../redis-settings.ts';
import { RedisAuditConsumer, RedisAuditQueue } from './audit-queue.ts';
import { RedisConfigBus } from './config-bus.ts';
import { redisPrefix } from './redis-prefix.ts';
import { RedisSharedCounts } from './shared-counts.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };

describe.skipIf(!hasRedis)('the ways in which Redis is run (skipped without redis-server)', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Everything that stands on Redis, and a question whether all of it works. */
  function stand(given: Parameters<typeof readRedisSettings>[0]) {
    const read = readRedisSettings(given);
    if (read.kind === 'faults' || !read.settings) throw new Error('no settings of a Redis');
    const options = { settings: read.settings, prefix: redisPrefix(randomUUID()), key: randomBytes(32) };
    const bus = new RedisConfigBus(options);
    const queue = new RedisAuditQueue(options);
    const consumer = new RedisAuditConsumer(options);
    const counts = new RedisSharedCounts(options);
    for (const each of [bus, queue, consumer, counts]) ends.push(() => each.close());
    const heard: number[] = [];
    const handled: string[] = [];
    void bus.listen((revision) => heard.push(revision), new AbortController().signal);
    void consumer.consume(async ({ boot }) => void handled.push(boot));
    let number = 0;
    const works = async (): Promise<string[]> => {
      const revision = ++number;
      const boot = `boot-${revision}`;
      await bus.announce(revision).catch(() => undefined);
      await queue.add(boot, trailBatch(boot)).catch(() => undefined);
      const counted = await counts.count(randomUUID(), 60);
      const held = await counts.enter(randomUUID(), 1, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const found = { bus: heard.includes(revision), queue: handled.includes(boot), counted, held };
      return [
        found.bus && 'bus',
        found.queue && 'queue',
        found.counted?.requests === 1 && 'counts',
        found.held === 0 && 'places',
      ].filter((one) => one !== false);
    };
    return { works, handled };
  }
  /** An authority, and what a Redis with a certificate of it is started with. */
  function tlsOf() {
    const folder = mkdtempSync(join(tmpdir(), 'onecli-redis-tls-'));
    ends.push(async () => rmSync(folder, { recursive: true }));
    const authority = makeTestAuthority(join(folder, 'ca'), 'OneCLI test Redis');
    const { certFile, keyFile } = authority.issueClient('redis', {
      alternatives: 'IP:127.0.0.1',
      // Nodes of a cluster are each other's clients.
      usage: 'serverAuth,clientAuth',
    });
    const files = ['--tls-ca-cert-file', authority.caFile, '--tls-cert-file', certFile, '--tls-key-file', keyFile];
    return { authority, parameters: ['--port', '0', '--tls-port', '{port}', '--tls-auth-clients', 'no', ...files] };
  }
  const all = ['bus', 'queue', 'counts', 'places'];

  it('TLS with a user who may do what operations.md names: taken with the right authority, refused without it, and with another password', async () => {
    const { authority, parameters } = tlsOf();
    const rights = ['~{onecli-*', '~onecli-*', '&{onecli-*', ...aclOfManual()];
    const server = await startRedis(...parameters, '--user', 'onecli', 'on', '>p@ss:w/rd', ...rights);
    ends.push(server.stop);
    const url = (password: string) => `rediss://onecli:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
    const { works } = stand({ REDIS_URL: url('p@ss:w/rd'), REDIS_CA_FILE: authority.caFile });
    await expect.poll(works, patiently).toEqual(all);
    const unknown = stand({ REDIS_URL: url('p@ss:w/rd') });
    const wrong = stand({ REDIS_URL: url('another'), REDIS_CA_FILE: authority.caFile });
    for (let tries = 0; tries < 5; tries++) expect([await unknown.works(), await wrong.works()]).toEqual([[], []]);
  });

  it('sentinels: what stands on the master goes on with the replica when the master is gone', async () => {
    const sentinels = await startSentinels();
    ends.push(sentinels.stop);
    const { works } = stand({
      REDIS_URL: sentinels.url,
      REDIS_MODE: 'sentinel',
      REDIS_SENTINEL_NAME: sentinels.name,
    });
    await expect.poll(works, patiently).toEqual(all);
    await sentinels.master.kill();
    await expect.poll(works, patiently).toEqual(all);
  });

  it.each([['plain'], ['by TLS']])('a cluster, %s: whichever node the keys and the listeners are on', async (how) => {
    const tls = how === 'by TLS' ? tlsOf() : undefined;
    const cluster = await startCluster(...(tls ? [...tls.parameters, '--tls-cluster', 'yes'] : []));
    ends.push(cluster.stop);
    const given = tls
      ? { REDIS_URL: cluster.url.replace('redis:', 'rediss:'), REDIS_CA_FILE: tls.authority.caFile }
      : { REDIS_URL: cluster.url };
    const { works } = stand({ ...given, REDIS_MODE: 'cluster' });
    await expect.poll(works, patiently).toEqual(all);
    // Counters lie where their hash says: over ten of them, on more than one node.
    for (let at = 0; at < 10; at++) await expect.poll(works, patiently).toEqual(all);
    const keys = await Promise.all(cluster.nodes.map((node) => node.command('KEYS', '*:rate:*')));
    expect(keys.filter((found) => found !== '').length).toBeGreaterThan(1);
  });
});

/** The commands that docs/operations.md says are enough. */
function aclOfManual(): string[] {
  const manual = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
  const [, commands] = /ACLs: `([^`]+)`/.exec(manual) ?? [];
  if (commands === undefined) throw new Error('the manual names no commands');
  return commands.split(' ');
}
