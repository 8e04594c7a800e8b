import { setTimeout as pause } from 'node:timers/promises';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type KillablePostgres,
  killablePostgres,
} from '../../../shared/src/adapters/postgres/testing/killable-postgres.ts';
import { Leadership, leaderLock } from '../leadership/leadership.ts';
import { WorkerStore } from '../workers/worker-store.ts';
import { ForwardMigration } from './forward-migration.ts';
import { migrate } from './migrate.ts';
import { openServices, owner } from './testing/open-services.ts';
import { makeWorkerRole, renewWorkerRoles } from './worker-role.ts';
import { endIntruders, WorkerSessionsWatch } from './worker-sessions.ts';

const migrationLock = 6_627_254_002;
const changeLock = 6_627_254_001;
const patiently = { timeout: 30_000, interval: 100 };
const ends: (() => unknown)[] = [];
let server: KillablePostgres;
let services: Awaited<ReturnType<typeof openServices>>;
let planeUrl: string;

/** The control plane's role owns the database and may make roles, and no more: as in a database that somebody else runs. */
beforeAll(async () => {
  server = await killablePostgres(inject('postgresUrl'));
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query('CREATE ROLE keeper LOGIN CREATEROLE');
  await admin.query('CREATE DATABASE vault OWNER keeper');
  await admin.end();
  planeUrl = urlOf('keeper');
  services = await openServices(planeUrl);
  await makeWorkerRole(services.dataSource, 'onecli_worker', undefined);
}, 60_000);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await services?.close();
  await server?.stop();
});

function urlOf(role: string): string {
  return server.url.replace('user=postgres', `user=${role}`).replace('postgres:///postgres', 'postgres:///vault');
}

/** A session of who has a worker's password, and whether it was ended. */
async function attacker(role = 'onecli_worker'): Promise<{ client: pg.Client; isOver: () => boolean }> {
  const client = new pg.Client({ connectionString: urlOf(role) });
  let isOver = false;
  client.on('error', () => (isOver = true));
  client.on('end', () => (isOver = true));
  await client.connect();
  ends.push(() => client.end().catch(() => undefined));
  return { client, isOver: () => isOver };
}

const query = (text: string, values?: unknown[]): Promise<unknown[]> => services.dataSource.query(text, values);

describe('who has the database password of a worker', () => {
  it('does not keep the leader’s lock, be he in line for it many times over', async () => {
    const first = await attacker();
    await first.client.query('SELECT pg_advisory_lock($1)', [leaderLock]);
    const others = await Promise.all([attacker(), attacker(), attacker()]);
    for (const { client } of others) client.query('SELECT pg_advisory_lock($1)', [leaderLock]).catch(() => undefined);
    const leadership = new Leadership(planeUrl);
    ends.push(() => leadership.release());
    await expect.poll(() => leadership.isHeld(), patiently).toBe(true);
    await expect.poll(() => [first, ...others].every(({ isOver }) => isOver()), patiently).toBe(true);
  });

  it('does not keep configuration from being changed', async () => {
    const { client, isOver } = await attacker();
    await client.query('SELECT pg_advisory_lock($1)', [changeLock]);
    const errors: object[] = [];
    const watch = new WorkerSessionsWatch(services.dataSource, {
      error: (fields) => void errors.push(fields),
    });
    ends.push(() => watch.stop());
    watch.start();
    await services.agents.create(owner, { name: 'bot' });
    expect(isOver()).toBe(true);
    expect(errors).toMatchObject([{ role: 'onecli_worker' }]);
  });

  it('does not keep the schema from being changed: neither by its lock nor by a read that never ends', async () => {
    const taking = await attacker();
    await taking.client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    const reading = await attacker();
    await reading.client.query('BEGIN');
    await reading.client.query('SELECT id FROM secret');
    const step = class extends ForwardMigration {
      readonly name = 'Step1800000000001';

      async up(runner: QueryRunner): Promise<void> {
        await runner.query('ALTER TABLE secret ADD COLUMN added text');
      }
    };
    const options = { url: planeUrl, migrations: [step], installExtensions: false };
    const database = await new DataSource({ type: 'postgres', ...options }).initialize();
    ends.push(() => database.destroy());
    await migrate(database, { lockTimeoutMs: 200, retryMs: 200, patienceMs: 20_000 });
    await expect.poll(() => taking.isOver() && reading.isOver(), patiently).toBe(true);
  });

  it('keeps no other advisory lock between transactions, and no transaction for long', async () => {
    const locking = await attacker();
    await locking.client.query('SELECT pg_advisory_lock(7, 8)');
    const staying = await attacker();
    await staying.client.query('BEGIN');
    await staying.client.query('SELECT id FROM agent');
    await pause(1_100);
    const ended = await endIntruders(query, 1);
    expect(ended).toHaveLength(2);
    await expect.poll(() => locking.isOver() && staying.isOver(), patiently).toBe(true);
  });

  it('keeps no run’s trail from being written: neither in a statement that goes on nor in a transaction', async () => {
    const lock = "SELECT pg_advisory_lock(hashtextextended('w-1/boot', 6627254010))";
    const sleeping = await attacker();
    sleeping.client.query(`${lock}, pg_sleep(290)`).catch(() => undefined);
    const staying = await attacker();
    await staying.client.query('BEGIN');
    staying.client.query(lock.replace('lock(', 'xact_lock(')).catch(() => undefined);
    await pause(5_200);
    expect(await endIntruders(query)).toHaveLength(2);
    await expect.poll(() => sleeping.isOver() && staying.isOver(), patiently).toBe(true);
  });

  it('loses no session that does what workers do', async () => {
    const idle = await attacker();
    await idle.client.query('SELECT id FROM agent');
    const reading = await attacker();
    await reading.client.query('BEGIN');
    await reading.client.query('SELECT pg_advisory_xact_lock(7, 8)');
    expect(await endIntruders(query)).toEqual([]);
    expect([idle.isOver(), reading.isOver()]).toEqual([false, false]);
  });

  it('leaves connections for others', async () => {
    const [row] = (await query("SELECT rolconnlimit AS most FROM pg_roles WHERE rolname = 'onecli_worker'")) as {
      most: number;
    }[];
    expect(row?.most).toBeGreaterThan(10);
    expect(row?.most).toBeLessThanOrEqual(84);
  });

  it('reports as the worker whose role it is, and as no other; nor does another role as that worker', async () => {
    await makeWorkerRole(services.dataSource, 'onecli_w1', undefined, 'w-1');
    const report = (name: string) => ({
      name,
      bootId: 'a',
      version: '1',
      appliedRevision: 9,
      startedAtMs: 0,
      terms: [1],
    });
    const own = await attacker('onecli_w1');
    const other = await attacker();
    const beat = ({ client }: typeof own, name: string) => client.query('SELECT worker_heartbeat($1)', [report(name)]);
    await beat(own, 'w-1');
    await beat(other, 'w-2');
    for (const [who, name] of [
      [own, 'w-2'],
      [other, 'w-1'],
    ] as const)
      await expect(beat(who, name), name).rejects.toMatchObject({ code: '42501' });
    // It stays so when the role is made again without saying so.
    await makeWorkerRole(services.dataSource, 'onecli_w1', undefined);
    await expect(beat(own, 'w-3')).rejects.toMatchObject({ code: '42501' });
    await expect(makeWorkerRole(services.dataSource, 'onecli_w1', undefined, 'W 1')).rejects.toThrow('--worker');
  });

  it('is not taken for the owner, who reports as any worker, also where a release before refused that', async () => {
    const { dataSource } = services;
    await makeWorkerRole(dataSource, 'onecli_w5', undefined, 'w-5');
    // As the release before left it.
    const [{ made }] = await dataSource.query("SELECT pg_get_functiondef('worker_heartbeat'::regproc) AS made");
    const before = String(made).replace(' AND session_user <> current_user', '');
    expect(before).not.toBe(made);
    await query(before);
    await query("DELETE FROM schema_migration WHERE name = 'LetOwnerReport1790004330000'");
    const source = new PostgresSnapshotSource({ connectionString: planeUrl });
    ends.push(() => source.close());
    const report = { name: 'w-5', bootId: 'own', version: '1', appliedRevision: 1, startedAtMs: 0, terms: [1] };
    const beat = () => source.heartbeat({ ...report, isMasterKeyCurrent: true, authorities: [] });
    await expect(beat()).rejects.toMatchObject({ code: '42501' });
    await migrate(dataSource);
    await beat();
    const applied = { name: 'w-5', appliedRevision: 1, isLive: true };
    expect(await new WorkerStore(dataSource).applied()).toContainEqual(applied);
    const { client } = await attacker();
    await expect(client.query('SELECT worker_heartbeat($1)', [report])).rejects.toMatchObject({ code: '42501' });
  });

  it('has no second role for a worker, and another one once the first is dropped', async () => {
    const { dataSource } = services;
    await makeWorkerRole(dataSource, 'onecli_a', undefined, 'w-9');
    await expect(makeWorkerRole(dataSource, 'onecli_b', undefined, 'w-9')).rejects.toThrow(
      'w-9 is bound to role onecli_a: ',
    );
    expect(await query("SELECT FROM pg_roles WHERE rolname = 'onecli_b'")).toEqual([]);
    await query('DROP OWNED BY onecli_a');
    await query('DROP ROLE onecli_a');
    await makeWorkerRole(dataSource, 'onecli_b', undefined, 'w-9');
    expect(await query("SELECT name FROM worker_role WHERE worker = 'w-9'")).toEqual([{ name: 'onecli_b' }]);
    const report = { name: 'w-9', bootId: 'a', version: '1', appliedRevision: 9, startedAtMs: 0, terms: [1] };
    const { client } = await attacker('onecli_b');
    await client.query('SELECT worker_heartbeat($1)', [report]);
  });

  it('is not overlooked where the control plane sees nothing of his: the GRANT that is missing is told', async () => {
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    ends.push(() => admin.end());
    await admin.query('CREATE ROLE onecli_alien LOGIN');
    const missing = await makeWorkerRole(services.dataSource, 'onecli_alien', undefined);
    expect(missing).toBe('GRANT onecli_alien TO keeper WITH INHERIT TRUE, SET FALSE');
    const hints = async () => {
      const told: unknown[] = [];
      await renewWorkerRoles(services.dataSource, { warn: (fields) => void told.push(fields) });
      return told;
    };
    expect(await hints()).toEqual([{ role: 'onecli_alien', hint: missing }]);
    await admin.query(missing ?? '');
    expect(await hints()).toEqual([]);
  });

  it('is told of where the control plane may not end it', async () => {
    await query('CREATE ROLE onecli_foreign LOGIN');
    await query("INSERT INTO worker_role (name) VALUES ('onecli_foreign')");
    const { client, isOver } = await attacker('onecli_foreign');
    await client.query('SELECT pg_advisory_lock($1)', [changeLock]);
    expect(await endIntruders(query)).toMatchObject([{ role: 'onecli_foreign', isEnded: false }]);
    expect(isOver()).toBe(false);
    await query("DELETE FROM worker_role WHERE name = 'onecli_foreign'");
  });
});
