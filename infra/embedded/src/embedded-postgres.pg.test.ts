import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { startPostgres } from './embedded-postgres.ts';
import type { PostgresOptions, RunningPostgres } from './embedded-postgres.ts';
import { waitFor } from './wait-for.ts';

const isRoot = process.getuid?.() === 0;
const workspace = fileURLToPath(new URL('..', import.meta.url));
let parent: string;
let dataDir: string;
let servers: RunningPostgres[];

async function start(options: Partial<PostgresOptions> = {}): Promise<RunningPostgres> {
  const server = await startPostgres({ dataDir, isDurable: false, ...options });
  servers.push(server);
  return server;
}

async function ask(server: Pick<RunningPostgres, 'url'>, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

beforeEach(async () => {
  // mkdtemp gives 0700: with root as its owner the server's user cannot walk through it.
  parent = await mkdtemp(join(tmpdir(), 'onecli-embedded-'));
  dataDir = join(parent, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.stop();
  await rm(parent, { recursive: true, force: true });
});

describe('startPostgres', () => {
  it('keeps what was written across a stop and a start', async () => {
    const first = await start();
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    expect(await ask(await start(), 'SELECT answer FROM kept')).toEqual([42]);
  });

  it('opens no TCP port and closes its folders to other users', async () => {
    const server = await start();
    expect(await ask(server, 'SHOW listen_addresses')).toEqual(['']);
    expect(statSync(server.connection.host).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'postgres/cluster')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'logs/postgres.log')).mode & 0o077).toBe(0);
  });

  it('takes over from a server whose supervisor was killed', async () => {
    const orphan = await start();
    await ask(orphan, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const successor = await start();
    expect(isRunning(orphan.pid)).toBe(false);
    expect(await ask(successor, 'SELECT answer FROM kept')).toEqual([42]);
  });

  it('recovers after the server itself was killed, on the same socket, and tells its owner', async () => {
    const exits: unknown[] = [];
    const killed = await start({ onExit: (how) => exits.push(how) });
    await ask(killed, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(killed.pid, 'SIGKILL');
    await waitFor(() => exits.length > 0, { timeoutMs: 10_000 });
    expect(exits).toEqual([{ code: null, signal: 'SIGKILL' }]);
    const successor = await start({ socketDir: killed.connection.host });
    expect(successor.url).toBe(killed.url);
    expect(await ask(successor, 'SELECT answer FROM kept')).toEqual([42]);
  });

  it('leaves a stranger alone that has the process id of a stale postmaster.pid', async () => {
    const first = await start();
    const pidFile = join(dataDir, 'postgres/cluster/postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8');
    await first.stop();
    const stranger = spawn('sleep', ['600'], isRoot ? { uid: statSync(join(dataDir, 'postgres/cluster')).uid } : {});
    await once(stranger, 'spawn');
    try {
      writeFileSync(pidFile, lines.replace(/^\d+/, String(stranger.pid)));
      expect(await ask(await start(), 'SELECT 1')).toEqual([1]);
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('works in a data folder whose path is too long for a socket', async () => {
    dataDir = join(parent, 'a-rather-long-folder-name-'.repeat(6));
    await mkdir(dataDir, { mode: 0o700 });
    const server = await start();
    expect(server.connection.host.startsWith(dataDir)).toBe(false);
    expect(await ask(server, 'SELECT 1')).toEqual([1]);
  });

  it('begins anew when making the cluster was interrupted', async () => {
    await mkdir(join(dataDir, 'postgres/cluster.new/base'), { recursive: true });
    expect(await ask(await start(), 'SELECT 1')).toEqual([1]);
  });

  it('gives up when its signal aborts', async () => {
    await expect(start({ signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });

  it.runIf(isRoot)('runs as an ordinary user, from a start by that user', async () => {
    await chmod(parent, 0o755);
    const nobody = 65_534;
    execFileSync('chown', [String(nobody), dataDir]);
    const script = `
      import { startPostgres } from './src/embedded-postgres.ts';
      const server = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, isDurable: false });
      await server.stop();
      process.stdout.write(server.url);`;
    const parameters = ['--conditions=source', '--import', 'tsx', '--input-type=module', '--eval', script];
    const output = execFileSync(process.execPath, parameters, {
      cwd: workspace,
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
      env: { TMPDIR: dataDir },
    });
    expect(output).toContain('postgres:///onecli?host=');
    expect(statSync(join(dataDir, 'postgres/cluster')).uid).toBe(nobody);
    expect(existsSync(join(dataDir, 'postgres/cluster/PG_VERSION'))).toBe(true);
  });
});

describe('freshDatabase', () => {
  it('gives each caller a database of its own', async () => {
    const [first, second] = await Promise.all([freshDatabase(), freshDatabase()]);
    await ask({ url: first }, 'CREATE TABLE mine AS SELECT 1');
    await expect(ask({ url: second }, 'SELECT * FROM mine')).rejects.toThrow('does not exist');
  });
});
