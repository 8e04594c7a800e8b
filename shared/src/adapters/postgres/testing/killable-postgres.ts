import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

/** A PostgreSQL server of one's own, for tests that take it away. */
export interface KillablePostgres {
  readonly url: string;
  /** As `kill -9` of the server; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data; resolves when it answers. */
  start(): Promise<void>;
  /** Stops the server and all its connections as they are, like a machine that no longer answers. */
  freeze(): Promise<void>;
  thaw(): void;
  stop(): Promise<void>;
}

const retryMs = 50;
const startTimeoutMs = 30_000;

/** Makes and starts a server with the binaries, and as the account, of the server at `likeUrl`. */
export async function killablePostgres(likeUrl: string): Promise<KillablePostgres> {
  const { binaries, account } = await programOf(likeUrl);
  const folder = await mkdtemp(join(tmpdir(), 'onecli-kill-'));
  await chown(folder, account.uid, account.gid);
  const options = { uid: account.uid, gid: account.gid, cwd: folder };
  const initdb = ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(join(binaries, 'initdb'), initdb, options);
  const url = `postgres:///postgres?host=${encodeURIComponent(folder)}&user=postgres`;
  let server: ChildProcess | undefined;
  const kill = async () => {
    const running = server;
    server = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    const deadline = Date.now() + startTimeoutMs;
    while (!(await answers(url))) {
      if (Date.now() > deadline) throw new Error('PostgreSQL did not start');
      // The children of a killed server hold its memory for a moment, and the next one refuses to start until then.
      if (server === undefined || server.exitCode !== null) {
        const settings = ['-D', join(folder, 'data'), '-c', 'listen_addresses=', '-k', folder, '-F'];
        server = spawn(join(binaries, 'postgres'), settings, { ...options, stdio: 'ignore' });
      }
      await pause(retryMs);
    }
  };
  const frozen: number[] = [];
  const freeze = async () => {
    const postmaster = server?.pid;
    if (postmaster === undefined) throw new Error('The server does not run');
    frozen.push(postmaster, ...(await backendsOf(url)));
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  };
  const thaw = () => {
    for (const pid of frozen.splice(0)) process.kill(pid, 'SIGCONT');
  };
  const stop = async () => {
    thaw();
    await kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  await start();
  return { url, kill, start, freeze, thaw, stop };
}

async function programOf(url: string): Promise<{ binaries: string; account: { uid: number; gid: number } }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ binaries: string }>(
      "SELECT setting AS binaries FROM pg_config WHERE name = 'BINDIR'",
    );
    const [row] = rows;
    if (row === undefined) throw new Error('The server does not tell where its programs are');
    return { binaries: row.binaries, account: await stat(join(client.host, `.s.PGSQL.${client.port}`)) };
  } finally {
    await client.end();
  }
}

/** The processes that serve connections, but for the one that tells. */
async function backendsOf(url: string): Promise<number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    return rows.map((row) => row.pid);
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
