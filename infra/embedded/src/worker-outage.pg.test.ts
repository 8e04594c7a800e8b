import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { makeWorkerRole } from '../../../control-plane/src/database/worker-role.ts';
import { openServices, owner } from '../../../control-plane/src/database/testing/open-services.ts';
import {
  type KillablePostgres,
  killablePostgres,
} from '../../../shared/src/adapters/postgres/testing/killable-postgres.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000, interval: 50 };
/** Each test starts workers twice. */
const slowly = 240_000;
const masterHex = randomBytes(32).toString('hex');

let server: KillablePostgres;
let folder: string;
let port: number;
let token: string;
let worker: ChildProcess | undefined;
let output = '';

const withServices = async <T>(use: (services: Awaited<ReturnType<typeof openServices>>) => Promise<T>): Promise<T> => {
  const services = await openServices(server.url, { master: MasterKey.fromHex(masterHex) });
  try {
    return await use(services);
  } finally {
    await services.close();
  }
};

beforeAll(async () => {
  server = await killablePostgres(inject('postgresUrl'));
  folder = await mkdtemp(join(tmpdir(), 'onecli-outage-'));
  port = await freePort();
  token = await withServices(async ({ agents, dataSource }) => {
    await makeWorkerRole(dataSource, 'onecli_worker', undefined);
    return (await agents.create(owner, { name: 'bot' })).token ?? '';
  });
});
afterAll(async () => {
  worker?.kill('SIGKILL');
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  output = '';
  worker = spawn(process.execPath, [inject('planes').worker], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: server.url.replace('user=postgres', 'user=onecli_worker'),
      ONECLI_MASTER_KEY: masterHex,
      ONECLI_PROXY_PORT: String(port),
      ONECLI_WORKER_NAME: 'w-outage',
      ONECLI_SNAPSHOT_FILE: join(folder, 'w-outage.snapshot'),
      ONECLI_SPOOL_DIR: join(folder, 'spool'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  worker.stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()));
}

async function kill(): Promise<void> {
  const ended = worker && once(worker, 'exit');
  worker?.kill('SIGKILL');
  await ended;
}

/** What an agent is told at `onecli.internal`: a status, or none while nothing listens. */
function askAs(agentToken: string, name = 'bot'): Promise<number | undefined> {
  return new Promise((resolve) => {
    const credentials = Buffer.from(`${name}:${agentToken}`).toString('base64');
    const headers = { host: 'onecli.internal', 'proxy-authorization': `Basic ${credentials}` };
    const asked = request({ host: '127.0.0.1', port, path: 'http://onecli.internal/', headers, agent: false });
    asked.once('response', (answer) => resolve((answer.resume(), answer.statusCode)));
    asked.once('error', () => resolve(undefined));
    asked.end();
  });
}

const health = (): Promise<Record<string, unknown> | undefined> =>
  fetch(`http://127.0.0.1:${port}/health`).then(
    (answer) => answer.json() as Promise<Record<string, unknown>>,
    () => undefined,
  );

describe('a worker with a file of its last good configuration', () => {
  it(
    'serves after a restart while the database is away, what it had last, and follows when it is back',
    async () => {
      await start();
      await expect.poll(() => askAs(token), patiently).toBe(200);
      const second = await withServices(async ({ agents, dataSource }) => {
        const made = await agents.create(owner, { name: 'second' });
        const [{ revision }] = await dataSource.query('SELECT revision FROM config_state');
        const applied = async () =>
          (await dataSource.query("SELECT applied_revision AS applied FROM worker WHERE name = 'w-outage'"))[0]
            ?.applied;
        // What it has reported, it has kept.
        await expect.poll(applied, patiently).toBe(revision);
        return made.token ?? '';
      });
      await kill();
      await server.kill();
      await start();
      await expect.poll(() => askAs(second, 'second'), patiently).toBe(200);
      expect(await askAs(token)).toBe(200);
      expect(await askAs(`${token}x`)).toBe(407);
      expect(await health()).toMatchObject({ status: 'degraded' });
      await server.start();
      await withServices(({ agents }) => agents.remove(owner, 'second'));
      await expect.poll(() => askAs(second, 'second'), patiently).toBe(407);
      await expect.poll(health, patiently).toMatchObject({ status: 'ok' });
    },
    slowly,
  );

  it(
    'follows no database that went back while it was down, and none of another instance',
    async () => {
      await kill();
      const [before, id] = await withServices(async ({ dataSource }) => {
        const [row] = await dataSource.query('SELECT revision, (SELECT id FROM instance) AS id FROM config_state');
        await dataSource.query('DELETE FROM agent; UPDATE config_state SET revision = 1');
        return [row.revision, row.id] as const;
      });
      await start();
      await expect.poll(() => askAs(token), patiently).toBe(200);
      await expect.poll(async () => (await health())?.['refusal'], patiently).toBe('WENT_BACK');
      await withServices(async ({ dataSource }) => {
        await dataSource.query('UPDATE config_state SET revision = $1', [Number(before) + 5]);
        await dataSource.query('UPDATE instance SET id = $1', [randomUUID()]).catch(() => undefined);
      }).catch(() => undefined);
      await expect.poll(async () => (await health())?.['refusal'], patiently).toBe('OTHER_INSTANCE');
      expect(await askAs(token)).toBe(200);
      expect(output).toContain('of another instance');
      expect(id).toBeTruthy();
    },
    slowly,
  );
});
