import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type KillablePostgres,
  killablePostgres,
} from '../../../shared/src/adapters/postgres/testing/killable-postgres.ts';
import { createDataSource } from '../database/data-source.ts';
import { BoundedClient } from '../database/bounded-client.ts';
import { Leadership } from './leadership.ts';

const patiently = { timeout: 30_000, interval: 100 };
const ends: (() => unknown)[] = [];
let server: KillablePostgres;
let admin: Client;

beforeAll(async () => {
  server = await killablePostgres(inject('postgresUrl'));
  admin = new Client({ connectionString: server.url });
  await admin.connect();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

function leadership(leaseMs?: number): Leadership {
  const made = new Leadership(server.url, leaseMs);
  ends.push(() => made.release());
  return made;
}

describe('the leader’s lock', () => {
  it('is another one’s when the leader asks no more, though its process and its connection are there', async () => {
    const stopped = leadership(1_000);
    const other = leadership();
    expect(await stopped.isHeld()).toBe(true);
    expect(await other.isHeld()).toBe(false);
    // As under SIGSTOP: from here on it asks nothing.
    await expect.poll(() => other.isHeld(), patiently).toBe(true);
    expect(await stopped.isHeld()).toBe(false);
  });

  it('stays with a leader that asks, for much longer than the lease', async () => {
    const leader = leadership(1_000);
    const other = leadership(1_000);
    for (const until = Date.now() + 3_000; Date.now() < until; ) {
      expect(await leader.isHeld()).toBe(true);
      expect(await other.isHeld()).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
});

describe('a connection of the pool', () => {
  it('is bounded in the server: statements, and transactions in which nothing happens', async () => {
    const database = await createDataSource({
      connectionString: server.url,
      connectionLost: () => undefined,
    }).initialize();
    ends.push(() => database.destroy());
    const [row] = await database.query(
      "SELECT current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle",
    );
    expect(row).toEqual({ statement: '30s', idle: '1min' });
  });

  it('ends, and with it what waits on it, when the server hangs or the network lost it', async () => {
    const database = createDataSource({
      connectionString: server.url,
      connectionLost: () => undefined,
      maxConnections: 1,
    });
    await database.initialize();
    ends.push(() => database.destroy());
    const runner = database.createQueryRunner();
    const connection: unknown = await runner.connect();
    expect(connection).toBeInstanceOf(BoundedClient);
    (connection as BoundedClient).bound(-14_000);
    await server.freeze();
    try {
      await expect(runner.query('SELECT 1')).rejects.toThrow(/in time|terminated/);
    } finally {
      server.thaw();
    }
    await runner.release();
    // The pool opens another one.
    await expect.poll(() => database.query('SELECT 1 AS one').catch(() => []), patiently).toEqual([{ one: 1 }]);
  });

  it('lets go of its locks in the server when its process does nothing more within a transaction', async () => {
    const stopped = new BoundedClient({ connectionString: server.url, idle_in_transaction_session_timeout: 500 });
    stopped.on('error', () => undefined);
    await stopped.connect();
    ends.push(() => stopped.end().catch(() => undefined));
    await stopped.query('BEGIN');
    await stopped.query('SELECT pg_advisory_xact_lock($1)', [6_627_254_001]);
    await admin.query("SET lock_timeout = '20s'");
    await admin.query('BEGIN');
    await admin.query('SELECT pg_advisory_xact_lock($1)', [6_627_254_001]);
    await admin.query('COMMIT');
  });
});
