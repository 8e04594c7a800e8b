import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '@onecli/shared/exit-codes';
import { StartFault } from '../start-fault.ts';
import { waitFor } from '../wait-for.ts';

const lockName = 'supervisor.lock';
/** Longer than a takeover takes by far: a guard this old belongs to a process that died in the middle of one. */
const staleGuardMs = 5_000;

interface LockHolder {
  readonly pid: number;
  /** Tells a process from a later one with the same pid. */
  readonly startedAt: string;
}

export interface FolderLock {
  /** Whether an earlier supervisor left its lock behind, so that processes of its may still be ending. */
  readonly wasAbandoned: boolean;
  release(): void;
}

/**
 * Takes the data folder for this process. The lock names its holder by pid and start time, so that one left behind by a
 * `kill -9` or a power cut is seen to be nobody's.
 * @throws StartFault that names the pid of the supervisor that holds it
 */
export async function lockFolder(dataDir: string): Promise<FolderLock> {
  const path = join(dataDir, lockName);
  const own = join(dataDir, `${lockName}.${process.pid}.${randomBytes(4).toString('hex')}`);
  const holder: LockHolder = { pid: process.pid, startedAt: startOf(process.pid) ?? '' };
  writeFileSync(own, JSON.stringify(holder), { mode: 0o600, flag: 'wx' });
  try {
    let wasAbandoned = false;
    while (!tryLink(own, path)) {
      refuseLiveHolder(path);
      await removeAbandoned(path);
      wasAbandoned = true;
    }
    return { wasAbandoned, release: () => rmSync(path, { force: true }) };
  } finally {
    rmSync(own, { force: true });
  }
}

function refuseLiveHolder(path: string): void {
  const holder = readHolder(path);
  if (holder === undefined || !isSameProcess(holder)) return;
  throw new StartFault(
    `Another OneCLI (process ${holder.pid}) uses this data folder. Stop it, or give this one another folder with --data-dir (ONECLI_DATA_DIR).`,
    { exitCode: exitCodes.taken },
  );
}

/** Only one process at a time may judge and remove an abandoned lock: a second could remove the first one's new lock. */
async function removeAbandoned(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  const hasGuard = await waitFor(
    () => {
      if (tryCreate(guard)) return true;
      const found = statSync(guard, { throwIfNoEntry: false });
      if (found !== undefined && Date.now() - found.mtimeMs > staleGuardMs) rmSync(guard, { force: true });
      return false;
    },
    { timeoutMs: 2 * staleGuardMs },
  );
  if (hasGuard !== true) throw new StartFault(`${guard} does not go away: remove it if no OneCLI is starting.`);
  try {
    refuseLiveHolder(path);
    rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function readHolder(path: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  } catch {
    // Gone meanwhile, or cut short by a full disk: nobody's.
    return undefined;
  }
}

function isSameProcess(holder: LockHolder): boolean {
  return typeof holder.pid === 'number' && startOf(holder.pid) === holder.startedAt;
}

/** When the process began, in a form of the system's; undefined when there is none of that pid. */
function startOf(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    }
    // proc(5): field 22, start time in clock ticks since boot; field 2 may hold blanks and is in parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] === 'Z' ? undefined : `${bootId} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function tryLink(from: string, to: string): boolean {
  return succeedsUnlessPresent(() => linkSync(from, to));
}

function tryCreate(path: string): boolean {
  return succeedsUnlessPresent(() => writeFileSync(path, '', { flag: 'wx', mode: 0o600 }));
}

function succeedsUnlessPresent(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
