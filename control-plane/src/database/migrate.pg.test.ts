import { randomBytes } from 'node:crypto';
import { MasterKey } from '@onecli/shared/vault/master-key';
import pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { InstanceService } from '../instance/instance.service.ts';
import { buildIndex } from './build-index.ts';
import { createDataSource } from './data-source.ts';
import { ForwardMigration, ResumableMigration } from './forward-migration.ts';
import { migrate } from './migrate.ts';

let connectionString: string;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  connectionString = await freshDatabase();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A step that runs some statements; numbered by `at`. */
function step(at: number, ...statements: string[]) {
  return class extends ForwardMigration {
    readonly name = `Step${1_800_000_000_000 + at}`;

    async up(runner: QueryRunner): Promise<void> {
      for (const statement of statements) await runner.query(statement);
    }
  };
}

/** A step that builds an index of the table `thing`, which is partitioned. */
function indexStep(at: number) {
  return class extends ResumableMigration {
    readonly name = `Step${1_800_000_000_000 + at}`;

    async up(runner: QueryRunner): Promise<void> {
      await buildIndex(runner, { table: 'thing', name: 'thing_by_id', on: '(id)' });
    }
  };
}

async function open(migrations: (new () => ForwardMigration)[]): Promise<DataSource> {
  const options = { type: 'postgres', url: connectionString, migrations, installExtensions: false } as const;
  const dataSource = await new DataSource({ ...options, extra: { max: 3, statement_timeout: 30_000 } }).initialize();
  ends.push(() => dataSource.destroy());
  return dataSource;
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  ends.push(() => client.end());
  return client;
}

const logInto = (lines: string[]) => ({
  info: (message: string) => void lines.push(message),
  warn: (message: string) => void lines.push(message),
});
const stepsDone = async (client: pg.Client): Promise<string[]> =>
  (await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY id')).rows.map(({ name }) => name);
const columnsOf = async (client: pg.Client, table: string): Promise<string[]> =>
  (
    await client.query<{ name: string }>(
      'SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 ORDER BY 1',
      [table],
    )
  ).rows.map(({ name }) => name);

describe('migrate', () => {
  it('lets control planes that start together migrate an empty database once', async () => {
    const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
    const planes = await Promise.all(
      Array.from({ length: 4 }, () =>
        createDataSource({ connectionString, connectionLost: () => undefined }).initialize(),
      ),
    );
    ends.push(async () => void (await Promise.all(planes.map((plane) => plane.destroy()))));
    const opened = await Promise.all(planes.map((plane) => new InstanceService(plane).open(master)));
    expect(new Set(opened.map(({ instanceId }) => instanceId)).size).toBe(1);
    const client = await connect();
    const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migration');
    expect(rows.length).toBe(planes[0]?.migrations.length);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });

  it('gives way to readers while a lock is held, and finishes when it is free', async () => {
    const holder = await connect();
    await holder.query('CREATE TABLE thing (id int)');
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM thing');
    const reports: string[] = [];
    const done = migrate(await open([step(1, 'ALTER TABLE thing ADD COLUMN added text')]), {
      lockTimeoutMs: 200,
      retryMs: 100,
      log: logInto(reports),
    });
    await expect.poll(() => reports.length, { timeout: 20_000 }).toBeGreaterThan(1);
    // A worker that reads meanwhile waits for one try at most, and never for the holder of the lock.
    const reader = await connect();
    await reader.query('SET statement_timeout = 5000');
    for (let look = 0; look < 20; look++) await reader.query('SELECT * FROM thing');
    await holder.query('COMMIT');
    await done;
    expect(await columnsOf(reader, 'thing')).toEqual(['added', 'id']);
    expect(reports.at(-1)).toContain('brought up to date: Step1800000000001');
  });

  it('gives up with what to do when the lock is never free; steps before it stay, its own is undone', async () => {
    const holder = await connect();
    await holder.query('CREATE TABLE thing (id int)');
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM thing');
    const dataSource = await open([
      step(1, 'CREATE TABLE first (id int)'),
      step(2, 'CREATE TABLE second (id int)', 'ALTER TABLE thing ADD COLUMN added text'),
    ]);
    await expect(migrate(dataSource, { lockTimeoutMs: 100, retryMs: 50, patienceMs: 500 })).rejects.toThrow(
      /pg_stat_activity/,
    );
    const client = await connect();
    expect(await stepsDone(client)).toEqual(['Step1800000000001']);
    expect(await columnsOf(client, 'second')).toEqual([]);
    await holder.query('ROLLBACK');
    await migrate(dataSource);
    expect(await stepsDone(client)).toEqual(['Step1800000000001', 'Step1800000000002']);
  });

  it('undoes a step that fails or takes too long, tells why, and keeps nobody out', async () => {
    const bad = await open([step(1, 'CREATE TABLE half (id int)', 'SELECT 1 / 0')]);
    await expect(migrate(bad)).rejects.toThrow('division by zero');
    const slow = await open([step(1, 'CREATE TABLE half (id int)', 'SELECT pg_sleep(30)')]);
    await expect(migrate(slow, { statementTimeoutMs: 200 })).rejects.toThrow('statement timeout');
    const client = await connect();
    expect(await columnsOf(client, 'half')).toEqual([]);
    await migrate(await open([step(1, 'CREATE TABLE whole (id int)')]));
    expect(await columnsOf(client, 'whole')).toEqual(['id']);
  });

  it('waits for another control plane’s turn no longer than it is told', async () => {
    const other = await connect();
    await other.query('SELECT pg_advisory_lock(6627254002)');
    await expect(migrate(await open([]), { patienceMs: 300, retryMs: 50 })).rejects.toThrow('Another control plane');
  });

  it('lets an index of a partitioned table take its time, keeps no writer out meanwhile, and is as impatient as before then', async () => {
    const client = await connect();
    await client.query(`CREATE TABLE thing (id int) PARTITION BY RANGE (id);
      CREATE TABLE thing_1 PARTITION OF thing FOR VALUES FROM (0) TO (10); CREATE TABLE thing_2 PARTITION OF thing DEFAULT`);
    const holder = await connect();
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM thing');
    const settings =
      "SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement";
    const steps = [indexStep(1), step(2, `CREATE TABLE settings AS ${settings}`)];
    const done = migrate(await open(steps), { lockTimeoutMs: 100, statementTimeoutMs: 600 });
    // It waits for a transaction of before, for longer than any other statement may wait or take.
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
      AND state = 'active' AND clock_timestamp() - query_start > interval '1 s'`;
    await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 20_000 }).toBe(1);
    await client.query("SET statement_timeout = '5s'; INSERT INTO thing VALUES (1), (11)");
    await holder.query('ROLLBACK');
    await done;
    const { rows } = await client.query('SELECT * FROM settings');
    expect(rows).toEqual([{ lock: '100ms', statement: '600ms' }]);
    const indexes = await client.query<{ name: string }>(
      `SELECT relid::text AS name FROM pg_partition_tree('thing_by_id') JOIN pg_index ON indexrelid = relid AND indisvalid ORDER BY 1`,
    );
    expect(indexes.rows.map(({ name }) => name)).toEqual(['thing_1_by_id', 'thing_2_by_id', 'thing_by_id']);
  });

  it('gives its connection back with the settings that it had', async () => {
    const dataSource = await open([step(1, 'CREATE TABLE thing (id int)')]);
    await migrate(dataSource);
    const rows = await dataSource.query<object[]>(
      `SELECT current_setting('lock_timeout') AS "lock", current_setting('statement_timeout') AS "statement",
              (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS "held"`,
    );
    expect(rows).toEqual([{ lock: '0', statement: '30s', held: 0 }]);
  });

  it('goes on with a database of a newer release, and says so', async () => {
    await migrate(await open([step(1, 'SELECT 1'), step(2, 'SELECT 1')]));
    const reports: string[] = [];
    await migrate(await open([step(1, 'SELECT 1')]), { log: logInto(reports) });
    expect(reports).toEqual(['the database has steps of a newer release: Step1800000000002']);
  });
});
