import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { TrailBatch } from '../../ports/audit-queue.ts';
import { trailBatch } from '../../ports/audit-queue.contract.ts';
import { Listener } from '../../ports/config-bus.contract.ts';
import { PostgresAuditConsumer, PostgresAuditQueue } from './audit-queue.ts';
import { PostgresConfigBus } from './config-bus.ts';
import { PostgresSnapshotSource } from './snapshot-source.ts';
import { type KillablePostgres, killablePostgres } from './testing/killable-postgres.ts';

let server: KillablePostgres;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  server = await killablePostgres(inject('postgresUrl'));
  ends.push(() => server.stop());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function openQueue(handle: (batch: TrailBatch) => Promise<void>) {
  const options = { connectionString: server.url, key: randomBytes(32) };
  const queue = new PostgresAuditQueue(options);
  const consumer = new PostgresAuditConsumer(options);
  ends.push(
    () => queue.close(),
    () => consumer.close(),
  );
  await consumer.consume(handle);
  return { queue, consumer };
}

const isAdded = (queue: PostgresAuditQueue, id: string) =>
  queue.add(id, trailBatch(id)).then(
    () => true,
    () => false,
  );

const patiently = { timeout: 40_000 };

describe('PostgreSQL killed and started again', () => {
  it('makes adding to the audit queue fail, and then work, on both ends as they are', async () => {
    const arrived: string[] = [];
    const { queue } = await openQueue(async ({ boot }) => void arrived.push(boot));
    await queue.add('before', trailBatch('before'));
    await expect.poll(() => arrived, patiently).toEqual(['before']);
    await server.kill();
    expect(await isAdded(queue, 'during')).toBe(false);
    await server.start();
    await expect.poll(() => isAdded(queue, 'after'), patiently).toBe(true);
    await expect.poll(() => arrived, patiently).toContain('after');
  });

  it('lets a queue that was opened while it was away work once it is there', async () => {
    const arrived: string[] = [];
    await server.kill();
    const options = { connectionString: server.url, key: randomBytes(32) };
    const queue = new PostgresAuditQueue(options);
    const consumer = new PostgresAuditConsumer(options);
    ends.push(
      () => queue.close(),
      () => consumer.close(),
    );
    const consuming = consumer.consume(async ({ boot }) => void arrived.push(boot));
    expect(await isAdded(queue, 'during')).toBe(false);
    await server.start();
    await consuming;
    await expect.poll(() => isAdded(queue, 'after'), patiently).toBe(true);
    await expect.poll(() => arrived, patiently).toEqual(['after']);
  });

  it('brings a batch again that was in hand', async () => {
    const attempts: string[] = [];
    let take: () => Promise<void> = async () => {
      await server.kill();
      throw new Error('the rows could not be written');
    };
    const { queue } = await openQueue(async ({ boot }) => {
      attempts.push(boot);
      await take();
    });
    await queue.add('in-hand', trailBatch('in-hand'));
    await expect.poll(() => attempts, patiently).toEqual(['in-hand']);
    take = async () => undefined;
    await server.start();
    await expect.poll(() => attempts, patiently).toEqual(['in-hand', 'in-hand']);
  });

  it('lets listeners hear again', async () => {
    const bus = new PostgresConfigBus({ connectionString: server.url, key: randomBytes(32) });
    ends.push(() => bus.close());
    const listener = new Listener(bus);
    await listener.isListening(bus);
    await server.kill();
    await expect(bus.announce(6)).rejects.toThrow();
    await server.start();
    const isHeard = async () => {
      await bus.announce(7).catch(() => undefined);
      return listener.heard.includes(7);
    };
    await expect.poll(isHeard, patiently).toBe(true);
  });

  it('fails what a worker was reading, and not the worker', async () => {
    const client = new Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    const source = new PostgresSnapshotSource({ connectionString: server.url });
    ends.push(() => source.close());
    await client.query(
      'CREATE TABLE config_state (revision bigint, key_generation bigint, epoch bigint, epoch_mac bytea, restored_at timestamptz)',
    );
    await client.query('INSERT INTO config_state VALUES (5, 2, 0)');
    await client.query('CREATE TABLE instance (id uuid, key_check bytea)');
    await client.query('BEGIN');
    await client.query('LOCK TABLE config_state');
    const reading = source.changesSince(undefined).then(
      () => 'read',
      () => 'threw',
    );
    const waiting = "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    const readersWaiting = async () => {
      // Within a transaction the view would stay as it was first seen.
      await client.query('SELECT pg_stat_clear_snapshot()');
      return (await client.query(waiting)).rows;
    };
    await expect.poll(readersWaiting, patiently).toEqual([{ count: 1 }]);
    await server.kill();
    expect(await reading).toBe('threw');
    await server.start();
    await expect
      .poll(() => source.position().catch(() => 'away'), patiently)
      .toMatchObject({ revision: 5, keyGeneration: 2 });
  });

  it('lets a consumer end while it is away', async () => {
    const { consumer, queue } = await openQueue(async () => undefined);
    await queue.add('first', trailBatch('first'));
    await server.kill();
    await consumer.close();
    await queue.close();
  });
});

describe('PostgreSQL that no longer answers', () => {
  it('makes adding to the audit queue fail rather than wait, on an old and on a new connection', async () => {
    const arrived: string[] = [];
    const { queue } = await openQueue(async ({ boot }) => void arrived.push(boot));
    await queue.add('before', trailBatch('before'));
    const newcomer = new PostgresAuditQueue({ connectionString: server.url, key: randomBytes(32) });
    ends.push(() => newcomer.close());
    await server.freeze();
    expect(await Promise.all([isAdded(queue, 'during'), isAdded(newcomer, 'during')])).toEqual([false, false]);
    server.thaw();
    await expect.poll(() => isAdded(queue, 'after'), patiently).toBe(true);
    await expect.poll(() => arrived, patiently).toContain('after');
  });

  it('lets a worker’s looks and the bus fail, and everything end', async () => {
    const source = new PostgresSnapshotSource({ connectionString: server.url });
    const bus = new PostgresConfigBus({ connectionString: server.url, key: randomBytes(32) });
    const listener = new Listener(bus);
    await listener.isListening(bus);
    await expect(source.position()).rejects.toThrow('config_state');
    await server.freeze();
    await expect(bus.announce(9)).rejects.toThrow();
    const changes = expect(source.changesSince(1)).rejects.toThrow('timeout');
    await expect(source.position()).rejects.toThrow('timeout');
    await changes;
    await Promise.all([source.close(), bus.close()]);
  });
});
