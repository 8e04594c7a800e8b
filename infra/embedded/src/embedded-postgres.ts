// PostgreSQL as a child process: no TCP port, a unix socket inside the data folder, settings for a small machine.
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { connectWhenReady } from './postgres/connect-when-ready.ts';
import { stopLeftoverPostgres } from './postgres/leftover-postgres.ts';
import { ownUserName } from './postgres/postgres-account.ts';
import { findPostgresPackage, placePostgresBinaries } from './postgres/postgres-binaries.ts';
import type { PostgresBinaries } from './postgres/postgres-binaries.ts';
import { makeFolder, preparePostgresHome } from './postgres/postgres-home.ts';
import type { PostgresHome } from './postgres/postgres-home.ts';
import { postgresAccessFiles, postgresSettings } from './postgres/postgres-settings.ts';
import { StartFault } from './start-fault.ts';
import { waitFor } from './wait-for.ts';

const maxLogBytes = 10 * 1024 * 1024;
const patienceMs = { initdb: 120_000, ready: 60_000, fast: 15_000, immediate: 5_000 };
const databaseName = 'onecli';

export interface PostgresOptions {
  /** The data folder, which must exist; Postgres uses postgres/ and logs/postgres.log in it. */
  readonly dataDir: string;
  /** Aborting it gives up a start. */
  readonly signal?: AbortSignal;
  /** Called once when the server ends although nobody called `stop`. */
  readonly onExit?: (how: { code: number | null; signal: NodeJS.Signals | null }) => void;
  /** The socket's folder of an earlier start in this process, so that clients find the new server where the old one was. */
  readonly socketDir?: string;
  /** False only for tests: trades the safety of data in a power cut for speed. */
  readonly isDurable?: boolean;
  /** How many sessions there may be; by default what one control plane and a few workers need. */
  readonly maxConnections?: number;
}

export interface RunningPostgres {
  /** For pg's clients and pools. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  /** The same as a URL, `postgres:///onecli?host=<socket's folder>&user=onecli`. */
  readonly url: string;
  readonly pid: number;
  /** Ends the server, disconnecting clients. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the data folder's PostgreSQL, made first if there is none, and resolves once the database `onecli` answers.
 * Ends a server that a killed supervisor left running in the same folder. Only one process may call this for one
 * folder: the caller holds its lock.
 * @throws StartFault when it cannot be made or started, with the last lines of its log
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  options.signal?.throwIfAborted();
  const dataDir = resolve(options.dataDir);
  await stopLeftoverPostgres(join(dataDir, 'postgres/cluster'));
  const home = preparePostgresHome(dataDir, options.socketDir);
  const binaries = placePostgresBinaries(findPostgresPackage(), home.account, join(dataDir, 'postgres-binaries'));
  if (!existsSync(home.clusterDir)) await makeCluster(home, binaries, options.signal);
  writeAccessFiles(home);
  const { isDurable = true, maxConnections } = options;
  const server = spawnServer(home, binaries, openLog(dataDir), { isDurable, maxConnections });
  const connection = { host: home.socketDir, user: 'onecli', database: databaseName };
  try {
    await connectWhenReady(connection, server.child, { timeoutMs: patienceMs.ready, signal: options.signal });
  } catch (error) {
    await server.stop();
    throw error;
  }
  server.watch(options.onExit);
  return {
    connection,
    url: `postgres:///${databaseName}?host=${encodeURIComponent(home.socketDir)}&user=onecli`,
    pid: server.pid,
    stop: server.stop,
  };
}

/** initdb into a folder beside, renamed when complete: a start that was killed leaves nothing half-made in use. */
async function makeCluster(
  home: PostgresHome,
  binaries: PostgresBinaries,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unfinished = `${home.clusterDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  makeFolder(unfinished, 0o700, home.account);
  const parameters = ['-D', join(home.folderInServer, 'cluster.new'), '-U', 'onecli', '--auth=peer'];
  parameters.push('--no-locale', '--encoding=UTF8', '--no-instructions');
  const child = spawnInHome(home, binaries.initdb, parameters, 'pipe');
  const killer = setTimeout(() => child.kill('SIGKILL'), patienceMs.initdb);
  const abort = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', abort);
  try {
    const [output, code] = await Promise.all([readAll(child), exitCodeOf(child)]);
    signal?.throwIfAborted();
    if (code !== 0) throw new StartFault(`The database could not be made in ${home.clusterDir}:\n${lastLines(output)}`);
  } finally {
    clearTimeout(killer);
    signal?.removeEventListener('abort', abort);
  }
  renameSync(unfinished, home.clusterDir);
}

function writeAccessFiles(home: PostgresHome): void {
  const { hba, ident } = postgresAccessFiles([ownUserName(), home.account.userName]);
  writeFileSync(join(home.folder, 'pg_hba.conf'), hba, { mode: 0o644 });
  writeFileSync(join(home.folder, 'pg_ident.conf'), ident, { mode: 0o644 });
}

/** The server writes its own log, so that it needs nobody to read a pipe. */
function openLog(dataDir: string): number {
  mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
  const path = join(dataDir, 'logs/postgres.log');
  if (existsSync(path) && statSync(path).size > maxLogBytes) truncateSync(path);
  return openSync(path, 'a', 0o600);
}

function spawnServer(
  home: PostgresHome,
  binaries: PostgresBinaries,
  log: number,
  settings: { readonly isDurable: boolean; readonly maxConnections: number | undefined },
) {
  const parameters = ['-D', join(home.folderInServer, 'cluster')];
  parameters.push(...postgresSettings({ socketDir: home.socketDirInServer, ...settings }));
  // Names the folder in the list of processes, where the server itself shows only how it reaches it.
  parameters.push('-c', `onecli.data_folder=${home.folder}`);
  parameters.push('-c', `hba_file=${join(home.folderInServer, 'pg_hba.conf')}`);
  parameters.push('-c', `ident_file=${join(home.folderInServer, 'pg_ident.conf')}`);
  const child = spawnInHome(home, binaries.postgres, parameters, log);
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new StartFault('PostgreSQL could not be started.');
  let isStopping = false;
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    isStopping = true;
    // SIGINT: fast shutdown, which disconnects clients; SIGQUIT: immediate, with recovery at the next start.
    for (const [signal, timeoutMs] of [
      ['SIGINT', patienceMs.fast],
      ['SIGQUIT', patienceMs.immediate],
      ['SIGKILL', patienceMs.immediate],
    ] as const) {
      if (hasEnded()) return;
      child.kill(signal);
      await waitFor(hasEnded, { timeoutMs, everyMs: 10 });
    }
  };
  const watch = (onExit: PostgresOptions['onExit']) => {
    child.on('exit', (code, signal) => {
      if (!isStopping) onExit?.({ code, signal });
    });
  };
  return { child, pid, stop, watch };
}

/**
 * Spawns as the home's account, with its folder as descriptor 3 where the home says so. In a session of its own, so that
 * Ctrl-C in a terminal reaches the supervisor alone, which stops everything in order.
 */
function spawnInHome(home: PostgresHome, program: string, parameters: string[], output: 'pipe' | number): ChildProcess {
  const folder = home.openFolder();
  const options: SpawnOptions = {
    ...home.account.ids,
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', output, output, ...(folder === undefined ? [] : [folder])],
  };
  try {
    return spawn(program, parameters, options);
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

async function readAll(child: ChildProcess): Promise<string> {
  const parts = [child.stdout, child.stderr].filter((stream) => stream !== null);
  return (await Promise.all(parts.map((stream) => text(stream)))).join('\n');
}

function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolvePromise, reject) => {
    child.once('error', reject);
    child.once('close', resolvePromise);
  });
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-8).join('\n');
}
