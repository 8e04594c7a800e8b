import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDataSource, migrations } from '../../../control-plane/src/database/data-source.ts';
import { type MigrateOptions, MigrationFault, migrate } from '../../../control-plane/src/database/migrate.ts';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { freePorts } from '../../../test/support/free-port.ts';
import { mustOpenTunnel, openTunnel, requestBytes } from '../../../test/support/raw-agent.ts';
import { type RecordingUpstream, startUpstream } from '../../../test/support/recording-upstream.ts';
import { makeTestAuthority, type TestAuthority } from '../../../test/support/test-authority.ts';
import { OldRelease, readAsOldWorker } from './testing/first-release/old-worker.ts';

const dump = readFileSync(new URL('testing/first-release/database.sql', import.meta.url), 'utf8');
const agentToken = /agent token: (\S+)/.exec(dump)?.[1] ?? '';

let folder: string;
let authority: TestAuthority;
let upstream: RecordingUpstream;
let databaseUrl: string;
let old: OldRelease;
let client: pg.Client;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-upgrade-'));
  authority = makeTestAuthority(folder);
  upstream = await startUpstream({ authority, hosts: ['api.openai.com'] });
});
beforeEach(async () => {
  databaseUrl = await freshDatabase();
  client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(dump);
  old = new OldRelease(databaseUrl, ['readings', 'events']);
});
afterEach(async () => {
  await old.stop();
  await client.end();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Today's steps; gives what they told the operator. */
async function upgrade(told: string[], options: MigrateOptions = {}): Promise<void> {
  const database = createDataSource({ connectionString: databaseUrl, connectionLost: () => undefined });
  await database.initialize();
  const log = { info: (line: string) => void told.push(line), warn: (line: string) => void told.push(line) };
  try {
    await migrate(database, { ...options, log });
  } finally {
    await database.destroy();
  }
}

const steps = async (): Promise<string[]> =>
  (await client.query<{ name: string }>('SELECT name FROM schema_migration ORDER BY id')).rows.map(({ name }) => name);
const schema = async (): Promise<string> =>
  JSON.stringify(
    (
      await client.query(
        `SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
         WHERE table_schema = 'public' ORDER BY 1, 2`,
      )
    ).rows,
  );

/** The old loops get on, each by some rounds more. */
async function getOn(rounds = 3): Promise<void> {
  await expect.poll(old.getsOn(rounds), patiently).toBe(true);
  expect(old.errors).toEqual([]);
}

describe('a database of the first release', () => {
  it('is upgraded under load: whoever is of that release notices nothing, and reads what it read', async () => {
    const before = await readAsOldWorker(client);
    await getOn();
    const told: string[] = [];
    await upgrade(told);
    await getOn();
    expect(told).toEqual([expect.stringMatching(/^the schema was brought up to date: /)]);
    expect(await readAsOldWorker(client)).toBe(before);
    const [done, columns] = [await steps(), await schema()];
    expect(done).toHaveLength(migrations.length);
    const again: string[] = [];
    await upgrade(again);
    expect([again, await steps(), await schema()]).toEqual([[], done, columns]);
  });

  it('whose table somebody holds is left for the moment, says so, and is upgraded when the table is free', async () => {
    const holder = new pg.Client({ connectionString: databaseUrl });
    await holder.connect();
    const first = await steps();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT count(*) FROM secret');
      const told: string[] = [];
      const impatient = upgrade(told, { lockTimeoutMs: 300, retryMs: 100, patienceMs: 3_000 });
      const refused = expect(impatient).rejects.toThrow(MigrationFault);
      await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThan(1);
      expect(new Set(told.filter((line) => !line.startsWith('the schema was')))).toEqual(
        new Set(['a step of the schema waits for a lock that another session holds: trying again']),
      );
      // In a queue behind a lock that is waited for, each statement waits for one try at most: they all get through.
      await getOn();
      await refused;
      await getOn();
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    await upgrade([]);
    await getOn();
    expect((await steps()).slice(0, first.length)).toEqual(first);
    expect(await steps()).toHaveLength(migrations.length);
  });

  it('is served by today’s control plane and worker, while those of that release go on', async () => {
    const { apiPort, proxyPort, ca } = await serveToday();
    const connection = await mustOpenTunnel({ proxyPort, agent: 'old-agent', token: agentToken, ca });
    const { rows } = await client.query<{ alias: string }>(`SELECT alias FROM secret WHERE name = 'prod/aliased'`);
    const placeholders = ['onecli://prod/openai', 'onecli://prod/openai@1', rows[0]?.alias ?? ''];
    for (const placeholder of placeholders) {
      connection.send(requestBytes('GET', '/v1/models', { authorization: `Bearer ${placeholder}` }));
      expect((await connection.readResponse()).status).toBe(200);
    }
    connection.close();
    expect(upstream.requests.map((request) => request.header('authorization'))).toEqual([
      'Bearer first-release-value-2',
      'Bearer first-release-value-1',
      'Bearer first-release-aliased',
    ]);
    const headers = adminOf('not the old one');
    const audit = await fetch(`http://127.0.0.1:${apiPort}/api/audit?limit=200&host=api.openai.com`, { headers });
    const { items } = (await audit.json()) as { items: { id: string; path: string | null }[] };
    expect(items.length).toBeGreaterThan(3);
    await getOn();
  });

  it('takes no token, name or label afterwards that somebody gave an agent in the database', async () => {
    const { apiPort, proxyPort, ca } = await serveToday();
    const headers = { ...adminOf('not the old one'), 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'low', labels: { team: 'low' } });
    const made = await fetch(`http://127.0.0.1:${apiPort}/api/agents`, { method: 'POST', headers, body });
    const { token } = (await made.json()) as { token: string };
    const comeIn = async (text: string) => {
      const tunnel = await openTunnel({ proxyPort, agent: 'x', token: text, ca });
      if (tunnel.kind !== 'tls-failed') tunnel.connection.close();
      return tunnel.answer.status;
    };
    await expect.poll(() => comeIn(token), patiently).toBe(200);
    const high = `(SELECT id FROM agent WHERE name = 'old-agent')`;
    const low = `(SELECT id FROM agent WHERE labels = '{"team": "low"}')`;
    const attacks = [
      [`UPDATE agent_token SET agent_id = ${high} WHERE agent_id = ${low}`],
      [
        "UPDATE agent SET name = 'was' WHERE name = 'old-agent'",
        "UPDATE agent SET name = 'old-agent' WHERE name = 'low'",
      ],
      [`UPDATE agent SET mac = NULL, labels = '{"team": "high"}' WHERE id = ${low}`],
    ];
    for (const attack of attacks) {
      await client.query('CREATE TABLE was_agent AS TABLE agent; CREATE TABLE was_token AS TABLE agent_token');
      for (const statement of attack) await client.query(statement);
      await announce();
      await expect.poll(() => comeIn(token), patiently).toBe(407);
      await client.query(`DELETE FROM agent; INSERT INTO agent TABLE was_agent; INSERT INTO agent_token TABLE was_token;
        DROP TABLE was_agent, was_token`);
      await announce();
      await expect.poll(() => comeIn(token), patiently).toBe(200);
      expect(await comeIn(agentToken)).toBe(200);
    }
  });
});

const patiently = { timeout: 20_000 };

function adminOf(password: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
}

/** Has workers read every agent again, as somebody would who altered one. */
async function announce(): Promise<void> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM agent');
  for (const { id } of rows)
    await client.query(
      `WITH next AS (UPDATE config_state SET revision = revision + 1 RETURNING revision)
       INSERT INTO config_change (revision, kind, object_id, operation, principal)
       SELECT revision, 'agent', $1, 'upsert', 'nobody' FROM next`,
      [id],
    );
}

/** Today's control plane and worker over the database. */
async function serveToday() {
  const [apiPort = 0, proxyPort = 0] = await freePorts(2);
  start(inject('planes').controlPlane, {
    ONECLI_API_PORT: String(apiPort),
    ONECLI_ADMIN_PASSWORD: 'not the old one',
  });
  await ready(apiPort);
  start(inject('planes').worker, {
    ONECLI_PROXY_PORT: String(proxyPort),
    ONECLI_WORKER_NAME: 'new-worker',
    ONECLI_SPOOL_DIR: join(folder, `spool-${proxyPort}`),
    ONECLI_UPSTREAM_CA_FILE: authority.caFile,
    ONECLI_ALLOW_RANGES: '127.0.0.0/8',
    ONECLI_CONNECT_TO: `api.openai.com:443=127.0.0.1:${upstream.port}`,
  });
  await ready(proxyPort);
  const ca = await (await fetch(`http://127.0.0.1:${apiPort}/ca.pem`)).text();
  return { apiPort, proxyPort, ca };
}

function start(program: string, environment: Record<string, string>): void {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      ONECLI_MASTER_KEY: '5a'.repeat(32),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.resume();
  children.push(child);
}

async function ready(port: number): Promise<void> {
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(ask, { timeout: 40_000 }).toBe(200);
}
