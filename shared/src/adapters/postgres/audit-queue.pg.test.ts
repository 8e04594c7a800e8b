import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { trailBatch, auditQueueContract } from '../../ports/audit-queue.contract.ts';
import { PostgresAuditConsumer, PostgresAuditQueue } from './audit-queue.ts';
import { ThreadedAuditQueue } from '../queue/threaded-audit-queue.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };

async function readyQueue(): Promise<string> {
  const connectionString = await freshDatabase();
  const consumer = new PostgresAuditConsumer({ connectionString, key: randomBytes(32) });
  await consumer.consume(async () => undefined);
  await consumer.close();
  return connectionString;
}

auditQueueContract('PostgresAuditQueue', async () => {
  const options = { connectionString: await readyQueue(), key: randomBytes(32) };
  return { queue: new PostgresAuditQueue(options), consumer: new PostgresAuditConsumer(options) };
});

function threadedQueue({ connectionString, key }: { connectionString: string; key: Buffer }): ThreadedAuditQueue {
  return new ThreadedAuditQueue({ store: { kind: 'postgres', connectionString }, key, file, answerTimeoutMs });
}

const file = new URL('../queue/testing/mortal-audit-thread.mjs', import.meta.url);
/** It loads each source by itself, which takes a busy machine seconds. */
const answerTimeoutMs = 40_000;

auditQueueContract('ThreadedAuditQueue', async () => {
  const options = { connectionString: await readyQueue(), key: randomBytes(32) };
  return { queue: threadedQueue(options), consumer: new PostgresAuditConsumer(options) };
});

describe('ThreadedAuditQueue', () => {
  it('says so when its thread dies with a batch, and gives the next one to another thread', async () => {
    const options = { connectionString: await readyQueue(), key: randomBytes(32) };
    const queue = threadedQueue(options);
    const consumer = new PostgresAuditConsumer(options);
    try {
      await expect(queue.add('deadly', trailBatch('d-1'))).rejects.toThrow('killed by a batch');
      await queue.add('next', trailBatch('n-1'));
      const arrived = new Promise((resolve) => void consumer.consume(async (batch) => resolve(batch)));
      await expect(arrived).resolves.toEqual(trailBatch('n-1'));
    } finally {
      await Promise.all([queue.close(), consumer.close()]);
    }
    await expect(queue.add('late', trailBatch('l-1'))).rejects.toThrow('closed');
  });

  it('gives a batch up that its thread does not answer in time', async () => {
    const store = { kind: 'postgres', connectionString: await freshDatabase() } as const;
    const queue = new ThreadedAuditQueue({ store, key: randomBytes(32), file, answerTimeoutMs: 1 });
    await expect(queue.add('slow', trailBatch('s-1'))).rejects.toThrow('does not answer');
    await queue.close();
  });
});

describe('PostgresAuditQueue', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  it('shows the database nothing of an event', async () => {
    const connectionString = await readyQueue();
    const queue = new PostgresAuditQueue({ connectionString, key: randomBytes(32) });
    const client = new Client({ connectionString });
    await client.connect();
    ends.push(
      () => queue.close(),
      () => client.end(),
    );
    await queue.add('sealed', trailBatch('s-1', 1, '/canary/path'));
    const { rows } = await client.query<{ text: string }>(
      'SELECT job::text AS text FROM onecli_queue.job UNION ALL SELECT event::text FROM onecli_queue.event',
    );
    const stored = rows.map(({ text }) => text).join('\n');
    expect(stored).toContain('sealed');
    expect(stored).not.toMatch(/canary|my-agent|api\.example\.com/);
  });

  it('fails while the queue has no tables, and works as soon as it has', async () => {
    const options = { connectionString: await freshDatabase(), key: randomBytes(32) };
    const queue = new PostgresAuditQueue(options);
    const consumer = new PostgresAuditConsumer(options);
    ends.push(
      () => queue.close(),
      () => consumer.close(),
    );
    await expect(queue.add('too-early', trailBatch('t-1'))).rejects.toThrow();
    const arrived = new Promise((resolve) => void consumer.consume(async (batch) => resolve(batch)));
    await expect
      .poll(
        () =>
          queue.add('too-early', trailBatch('t-1')).then(
            () => 'added',
            () => 'not yet',
          ),
        patiently,
      )
      .toBe('added');
    expect(await arrived).toEqual(trailBatch('t-1'));
  });

  it('brings a batch again that a killed consumer had in hand', async () => {
    const options = { connectionString: await readyQueue(), key: randomBytes(32) };
    const queue = new PostgresAuditQueue(options);
    const consumer = new PostgresAuditConsumer(options);
    const client = new Client(options);
    await client.connect();
    ends.push(
      () => queue.close(),
      () => consumer.close(),
      () => client.end(),
    );
    await queue.add('in-hand', trailBatch('k-1'));
    const take = `SELECT id FROM onecli_queue.move_to_active('audit', 'of-the-killed', $1, $2, NULL, NULL, NULL)`;
    await client.query('SET search_path = onecli_queue');
    const { rows } = await client.query(take, [3_000, Date.now()]);
    expect(rows).toEqual([{ id: expect.stringMatching(/^in-hand-/) }]);
    const arrived = new Promise((resolve) => void consumer.consume(async (batch) => resolve(batch)));
    expect(await arrived).toEqual(trailBatch('k-1'));
  });

  it('sets aside, and reports, a batch that was sealed with another key', async () => {
    const connectionString = await readyQueue();
    const key = randomBytes(32);
    const reports: Error[] = [];
    const forger = new PostgresAuditQueue({ connectionString, key: randomBytes(32) });
    const queue = new PostgresAuditQueue({ connectionString, key });
    const consumer = new PostgresAuditConsumer({ connectionString, key, report: (error) => reports.push(error) });
    ends.push(
      () => forger.close(),
      () => queue.close(),
      () => consumer.close(),
    );
    await forger.add('forged', trailBatch('f-1'));
    await queue.add('true', trailBatch('f-2'));
    const handled: string[] = [];
    await consumer.consume(async ({ boot }) => void handled.push(boot));
    await expect.poll(() => handled, patiently).toEqual(['f-2']);
    await expect
      .poll(() => reports.map((error) => error.message), patiently)
      .toEqual([expect.stringMatching(/^Audit batch forged-[\w-]{22} was given up$/)]);
  });
});
