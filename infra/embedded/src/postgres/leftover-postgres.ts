import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StartFault } from '../start-fault.ts';
import { waitFor } from '../wait-for.ts';

const patienceMs = { fast: 10_000, immediate: 5_000, kill: 5_000 };

/**
 * Ends a Postgres of this cluster that a killed supervisor left running, and waits for the backends of a postmaster
 * that was itself killed. Knows them by their working directory, which is the cluster, never by a pid alone.
 * Also takes away a postmaster.pid whose pid now belongs to a stranger, at which Postgres would refuse to start.
 * @throws StartFault when a process survives SIGKILL
 */
export async function stopLeftoverPostgres(clusterDir: string): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const leftovers = () => findServerProcesses(clusterDir, pid);
  if (leftovers().includes(pid)) kill(pid, 'SIGINT');
  const isGone = (timeoutMs: number) => waitFor(() => leftovers().length === 0, { timeoutMs });
  if (!(await isGone(patienceMs.fast))) {
    for (const leftover of leftovers()) kill(leftover, 'SIGQUIT');
    if (!(await isGone(patienceMs.immediate))) {
      for (const leftover of leftovers()) kill(leftover, 'SIGKILL');
      if (!(await isGone(patienceMs.kill))) {
        throw new StartFault(`A Postgres from an earlier run does not end: processes ${leftovers().join(', ')}.`);
      }
    }
  }
  if (pid > 0 && isAlive(pid)) rmSync(pidFile, { force: true });
}

/** Processes named postgres whose working directory is the cluster. */
function findServerProcesses(clusterDir: string, postmasterPid: number): number[] {
  const cluster = realpathSync(clusterDir);
  if (!existsSync('/proc/self/cwd')) return isServerByCommandLine(postmasterPid, cluster) ? [postmasterPid] : [];
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => readProc(() => readFileSync(`/proc/${name}/comm`, 'utf8').trim()) === 'postgres')
    .filter((name) => readProc(() => readlinkSync(`/proc/${name}/cwd`)) === cluster)
    .map(Number);
}

/** Where there is no /proc, the command line names the cluster. */
function isServerByCommandLine(pid: number, cluster: string): boolean {
  if (!(pid > 0)) return false;
  const commandLine = readProc(() => execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }));
  return commandLine !== undefined && commandLine.includes('postgres') && commandLine.includes(cluster);
}

/** A process may end between being listed and being read, and others' are not ours to read: both mean "not it". */
function readProc(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
