import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresAuditConsumer, PostgresAuditQueue } from '@onecli/shared/adapters/postgres/audit-queue';
import { trailBatch } from '@onecli/shared/ports/audit-queue.contract';
import { MasterKey } from '@onecli/shared/vault/master-key';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type KillablePostgres,
  killablePostgres,
} from '../../../shared/src/adapters/postgres/testing/killable-postgres.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { openServices, owner } from './testing/open-services.ts';
import { makeWorkerRole, renewWorkerRoles } from './worker-role.ts';
import { workerFunctions, workerReads } from './worker-grants.ts';

const role = 'onecli_worker';
const masterHex = randomBytes(32).toString('hex');
const patiently = { timeout: 40_000, interval: 50 };
const silent = { warn: () => undefined };

let server: KillablePostgres;
let services: Awaited<ReturnType<typeof openServices>>;
let asRole: pg.Client;
let roleUrl: string;
const children: ChildProcess[] = [];
const spoolFolder = mkdtempSync(join(tmpdir(), 'onecli-role-'));

beforeAll(async () => {
  server = await killablePostgres(inject('postgresUrl'));
  roleUrl = server.url.replace('user=postgres', `user=${role}`);
  services = await openServices(server.url, { master: MasterKey.fromHex(masterHex) });
  // The queue's tables come with whatever comes first: here the role.
  await makeWorkerRole(services.dataSource, role, undefined);
  asRole = new pg.Client({ connectionString: roleUrl });
  await asRole.connect();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await asRole?.end();
  await services?.close();
  await server?.stop();
  rmSync(spoolFolder, { recursive: true, force: true });
});

/** The code that a statement is refused with, or `done`. */
async function refused(sql: string): Promise<string> {
  try {
    await asRole.query(sql);
    return 'done';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await asRole.query('ROLLBACK');
  }
}

describe('a worker’s database role', () => {
  it('reads the columns that are listed, and of every table that there is, or comes, no other', async () => {
    const readable = async (): Promise<string[]> => {
      const { rows } = await asRole.query<{ table: string; column: string }>(
        `SELECT c.relname AS table, a.attname AS column FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY 1, 2`,
      );
      return rows.map(({ table, column }) => `${table}.${column}`).sort();
    };
    const listed = Object.entries({ ...workerReads, migration: ['version', 'min_client_version'] }).flatMap(
      ([table, columns]) => columns.map((column) => `${table}.${column}`),
    );
    await services.dataSource.query('CREATE TABLE later (id uuid, secret text)');
    expect(await readable()).toEqual(listed.sort());
    await renewWorkerRoles(services.dataSource, silent);
    expect(await readable()).toEqual(listed.sort());
  });

  it('writes no table and no sequence, makes nothing, and calls only the functions that are listed', async () => {
    const { rows: writable } = await asRole.query(
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND (
         CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE')
         ELSE c.relkind IN ('r', 'p', 'v') AND (has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES')
           OR has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER')) END)`,
    );
    expect(writable).toEqual([]);
    const { rows: makes } = await asRole.query(
      "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_temp|^pg_toast_temp' AND has_schema_privilege(oid, 'CREATE')",
    );
    expect(makes).toEqual([]);
    const { rows: callable } = await asRole.query<{ name: string }>(
      `SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name FROM pg_proc p
       JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_schema_privilege(n.oid, 'USAGE')
         AND has_function_privilege(p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype ORDER BY 1`,
    );
    expect(callable.map(({ name }) => name.replace(/^add_job\(.*/, 'add_job'))).toEqual([
      'add_job',
      ...workerFunctions,
    ]);
  });

  it.each([
    'SELECT * FROM user_account',
    'SELECT hash FROM api_key',
    'SELECT hash FROM user_session',
    'SELECT 1 FROM audit_event',
    'SELECT 1 FROM admin_event',
    'SELECT description FROM secret',
    'SELECT fingerprint FROM secret_version',
    'SELECT prefix FROM agent_token',
    'SELECT sealed_body FROM rotation',
    'SELECT data FROM onecli_queue.job',
    'UPDATE secret SET binding = binding',
    'UPDATE agent SET is_disabled = false',
    'UPDATE config_state SET revision = revision + 1',
    'UPDATE config_state SET restored_at = NULL',
    "INSERT INTO config_change VALUES (1, 'secret', gen_random_uuid(), 'upsert', 'x')",
    'DELETE FROM secret_version',
    'DELETE FROM worker',
    'TRUNCATE worker',
    'UPDATE worker SET applied_revision = 9',
    'SELECT applied_revision FROM worker',
    'SELECT * FROM secret FOR UPDATE',
    'BEGIN; LOCK TABLE secret IN ACCESS EXCLUSIVE MODE',
    'CREATE TABLE public.mine (id int)',
    'CREATE SCHEMA mine',
    'DROP TABLE secret',
    'ALTER ROLE onecli_worker SUPERUSER',
    'SET ROLE postgres',
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/hostname')",
    `SELECT onecli_queue.drain('audit', true)`,
    `SELECT onecli_intake.add_job('other', 'a', 'batch', '{}', '{}', 0, 0, 0, 1, NULL, NULL, NULL, NULL, NULL, false)`,
    `SELECT onecli_intake.add_job('audit', '', 'batch', '{}', '{}', 0, 0, 0, 1, NULL, NULL, NULL, NULL, NULL, false)`,
  ])('is refused: %s', async (sql) => {
    expect(await refused(sql)).toMatch(/^42501$/);
  });

  it('reports by the function alone, which takes reports only', async () => {
    const report = { name: 'w-1', bootId: 'a', version: '1', appliedRevision: 1, startedAtMs: 0, terms: [1] };
    await asRole.query('SELECT worker_heartbeat($1)', [{ ...report, connections: 4, cpuShare: 0.5 }]);
    const rows = await services.dataSource.query('SELECT name, connections, cpu_share FROM worker');
    expect(rows).toEqual([{ name: 'w-1', connections: 4, cpu_share: 0.5 }]);
    for (const bad of [{ ...report, name: 'UPPER' }, { ...report, version: 'x'.repeat(20_000) }, {}])
      await expect(asRole.query('SELECT worker_heartbeat($1)', [bad])).rejects.toMatchObject({ code: '23514' });
  });

  it('adds audit events, which the control plane gets', async () => {
    const options = { key: randomBytes(32) };
    const queue = new PostgresAuditQueue({ connectionString: roleUrl, ...options });
    const consumer = new PostgresAuditConsumer({ connectionString: server.url, ...options });
    try {
      await queue.add('w-1-b-1', trailBatch('a-1'));
      const arrived = new Promise((resolve) => void consumer.consume(async (batch) => resolve(batch)));
      await expect(arrived).resolves.toEqual(trailBatch('a-1'));
    } finally {
      await Promise.all([queue.close(), consumer.close()]);
    }
  });

  it('keeps no batch from the queue by what it adds under the id of another, and nothing for long', async () => {
    const options = { key: randomBytes(32) };
    const add = (id: string, data: object) =>
      asRole.query(
        `SELECT onecli_intake.add_job('audit', $1, 'other', $2, '{"removeOnFail":false,"attempts":1}', 0, 0, 0, 1, NULL, NULL, NULL, NULL, NULL, false)`,
        [id, data],
      );
    await add('w-2-b-0-0', { sealed: 'AAAA', further: 1 });
    const [kept] = await services.dataSource.query(
      "SELECT name, data, opts, max_attempts AS attempts FROM onecli_queue.job WHERE id = 'w-2-b-0-0'",
    );
    expect(kept).toMatchObject({ name: 'batch', data: { sealed: 'AAAA' }, opts: { removeOnFail: { count: 100 } } });
    expect(kept).toMatchObject({ attempts: 1_000_000_000, opts: { attempts: 1_000_000_000 } });
    for (const bad of [{}, { sealed: null }, { sealed: 'A'.repeat(64 * 1024 * 1024 + 1) }])
      await expect(add('w-2-b-9-9', bad)).rejects.toMatchObject({ code: '23514' });
    const queue = new PostgresAuditQueue({ connectionString: roleUrl, ...options });
    const consumer = new PostgresAuditConsumer({ connectionString: server.url, ...options });
    try {
      await queue.add('w-2-b-0-0', trailBatch('squatted'));
      const arrived = new Promise((resolve) => void consumer.consume(async (batch) => resolve(batch)));
      await expect(arrived).resolves.toEqual(trailBatch('squatted'));
    } finally {
      await Promise.all([queue.close(), consumer.close()]);
    }
  });

  it('is all that a worker needs: it serves, follows changes and reports', async () => {
    const port = await freePort();
    const worker = startWorker(port);
    const lines: string[] = [];
    worker.stdout?.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const { agents } = services;
    const { token } = await agents.create(owner, { name: 'bot' });
    expect(token).toBeTruthy();
    const [{ revision }] = await services.dataSource.query('SELECT revision FROM config_state');
    const applied = async () => {
      const sql =
        "SELECT applied_revision AS applied, memory_bytes > 0 AND spool_bytes >= 0 AS told FROM worker WHERE name = 'w-alone'";
      return (await services.dataSource.query(sql))[0];
    };
    await expect.poll(applied, patiently).toEqual({ applied: revision, told: true });
    const health = () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        (answer) => answer.json(),
        () => undefined,
      );
    await expect.poll(health, patiently).toMatchObject({ status: 'ok' });
    expect(lines.join('')).not.toContain('permission denied');
  });

  it('refuses a role that may do more, and the control plane’s own', async () => {
    await services.dataSource.query('CREATE ROLE mighty CREATEROLE; CREATE ROLE member; GRANT mighty TO member');
    for (const name of ['mighty', 'member', 'postgres', 'Odd-Name'])
      await expect(makeWorkerRole(services.dataSource, name, undefined)).rejects.toThrow(/worker|NAME/);
  });

  it('refuses one that may create in the schema, as everybody may before PostgreSQL 15, and says how to end that', async () => {
    await services.dataSource.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
    try {
      await expect(makeWorkerRole(services.dataSource, 'onecli_other', undefined)).rejects.toThrow(
        'REVOKE CREATE ON SCHEMA public FROM PUBLIC, onecli_other',
      );
      expect(await services.dataSource.query("SELECT 1 FROM pg_roles WHERE rolname = 'onecli_other'")).toEqual([]);
      const warnings: string[] = [];
      await renewWorkerRoles(services.dataSource, { warn: (_fields, message) => warnings.push(message) });
      expect(warnings).toEqual([expect.stringContaining('REVOKE CREATE ON SCHEMA public')]);
    } finally {
      await services.dataSource.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    }
  });

  it('has nothing of its own run with the owner’s rights, where it may create in the schema', async () => {
    await services.dataSource.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
    try {
      const body = `RETURNS $R LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE ${role} SUPERUSER'; RETURN 1; END $$`;
      const takeOver = (name: string, result: string) =>
        asRole.query(`CREATE FUNCTION public.${name} ${body.replace('$R', () => result)}`);
      await takeOver('octet_length(text)', 'integer');
      await takeOver('divide(double precision, numeric)', 'double precision');
      await asRole.query(
        'CREATE OPERATOR public./ (FUNCTION = public.divide, LEFTARG = double precision, RIGHTARG = numeric)',
      );
      const report = { name: 'w-2', bootId: 'a', version: '1', appliedRevision: 1, startedAtMs: 0, terms: [1] };
      await asRole.query('SELECT worker_heartbeat($1)', [report]);
      const { rows } = await asRole.query('SELECT rolsuper AS "isMighty" FROM pg_roles WHERE rolname = current_user');
      expect(rows).toEqual([{ isMighty: false }]);
    } finally {
      await asRole.query('DROP OPERATOR IF EXISTS public./ (double precision, numeric)');
      await asRole.query('DROP FUNCTION IF EXISTS public.octet_length(text), public.divide(double precision, numeric)');
      await services.dataSource.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    }
  });

  it.each(['worker_heartbeat', 'add_job'])('finds what is built in before anything else in %s', async (name) => {
    const paths = await services.dataSource.query(
      "SELECT array_to_string(proconfig, ';') AS path FROM pg_proc WHERE prosecdef AND proname = $1",
      [name],
    );
    expect(paths).toEqual([{ path: expect.stringMatching(/^search_path=pg_catalog, \w+, pg_temp$/) }]);
  });

  it('gives the server no password, only what it keeps of it', async () => {
    await makeWorkerRole(services.dataSource, role, 'a good password');
    const [{ kept }] = await services.dataSource.query(
      "SELECT rolpassword AS kept FROM pg_authid WHERE rolname = 'onecli_worker'",
    );
    expect(kept).toMatch(/^SCRAM-SHA-256\$4096:/);
    await expect(makeWorkerRole(services.dataSource, role, 'short')).rejects.toThrow('8 to 1024');
    const events = await services.dataSource.query(
      "SELECT principal, object_name, detail FROM admin_event WHERE action = 'worker:role' ORDER BY at DESC LIMIT 1",
    );
    // That it was done is in the record, and what was refused is not.
    expect(events).toEqual([{ principal: 'instance', object_name: role, detail: { fields: ['password', 'rights'] } }]);
  });
});

function startWorker(port: number): ChildProcess {
  const child = spawn(process.execPath, [inject('planes').worker], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: roleUrl,
      ONECLI_MASTER_KEY: masterHex,
      ONECLI_PROXY_PORT: String(port),
      ONECLI_WORKER_NAME: 'w-alone',
      ONECLI_SPOOL_DIR: spoolFolder,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}
