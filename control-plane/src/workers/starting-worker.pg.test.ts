import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { followAtOnce, newestRevision } from './testing/following-workers.ts';
import { WorkerStore } from './worker-store.ts';

let api: Served;
let reports: PostgresSnapshotSource;
let folder: string;
let worker: ChildProcess | undefined;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  reports = new PostgresSnapshotSource({
    connectionString: api.config.databaseUrl,
  });
  await followAtOnce(api.database);
  folder = mkdtempSync(join(tmpdir(), 'onecli-starting-'));
});
afterAll(async () => {
  worker?.kill('SIGKILL');
  await reports.close();
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Another worker, which has applied whatever comes. */
const confirm = async () =>
  reports.heartbeat({
    name: 'steady',
    bootId: 'b',
    version: '0',
    appliedRevision: await newestRevision(api.database),
    terms: [1],
    isMasterKeyCurrent: true,
    authorities: [],
    startedAtMs: Date.now(),
  });

async function start(): Promise<ChildProcess> {
  return spawn(process.execPath, [inject('planes').worker], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: api.config.databaseUrl,
      ONECLI_MASTER_KEY: '5a'.repeat(32),
      ONECLI_WORKER_NAME: 'starting',
      ONECLI_PROXY_PORT: String(await freePort()),
      ONECLI_SPOOL_DIR: join(folder, 'spool'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const disable = async (timeoutMs: number) => {
  await confirm();
  const { data } = await api.graphql(
    `mutation { upsertAgent(input: { name: "revoked", isDisabled: true }, wait: ALL, timeoutMs: ${timeoutMs}) {
      change isEverywhere confirmedBy behind silent errors { code } } }`,
  );
  return data?.['upsertAgent'];
};

describe('a worker that is starting', () => {
  it('is waited for by a revocation that is not in what it reads, until it has that too or has ended in order', async () => {
    await api.call('POST', '/api/agents', { name: 'revoked' });
    const holder = api.database.createQueryRunner();
    try {
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE route IN ACCESS EXCLUSIVE MODE');
      worker = await start();
      const waits = "SELECT FROM pg_locks WHERE relation = 'route'::regclass AND NOT granted";
      await expect.poll(() => api.database.query(waits), { timeout: 30_000 }).toHaveLength(1);
      const found = {
        change: 'UPDATED',
        isEverywhere: false,
        confirmedBy: 1,
        behind: ['starting'],
        silent: [],
      };
      expect(await disable(500)).toMatchObject(found);
    } finally {
      await holder.query('ROLLBACK');
      await holder.release();
    }
    const reached = {
      change: 'UNCHANGED',
      isEverywhere: true,
      confirmedBy: 2,
      behind: [],
      silent: [],
    };
    expect(await disable(30_000)).toMatchObject(reached);
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const names = (await new WorkerStore(api.database).applied()).map(({ name }) => name);
    expect(names).not.toContain('starting');
  });
});
