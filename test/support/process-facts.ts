import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A running process as /proc shows it. */
export interface ProcessFacts {
  pid: number;
  parentPid: number;
  commandLine: string;
}

const microsPerTick = 10_000; // USER_HZ is 100 on every Linux that Node runs on

/** Gives every process below `rootPid` (not itself), parents before children. */
export function descendantsOf(rootPid: number): ProcessFacts[] {
  const all = allProcesses();
  const found: ProcessFacts[] = [];
  const queue = [rootPid];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    const children = all.filter((candidate) => candidate.parentPid === parent);
    found.push(...children);
    queue.push(...children.map((child) => child.pid));
  }
  return found;
}

/** Gives processes that were left without a parent and work in `folder` or name it in their arguments or environment, with all below them. */
export function orphansOf(folder: string): ProcessFacts[] {
  return allProcesses()
    .filter((one) => one.parentPid === 1)
    .filter((one) => workingFolder(one.pid).startsWith(folder) || argumentsAndEnvironment(one.pid).includes(folder))
    .flatMap((one) => [one, ...descendantsOf(one.pid)]);
}

/** Gives the CPU time that a process has used, user and system, its threads included, in microseconds. */
export function cpuMicros(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * microsPerTick;
}

/** Gives the CPU time of a process and of all below it, those included that have ended, in microseconds. */
export function familyCpuMicros(pid: number): number {
  const ended = statFields(pid)
    .slice(13, 15)
    .reduce((sum, ticks) => sum + Number(ticks) * microsPerTick, 0);
  return descendantsOf(pid).reduce((sum, one) => sum + cpuMicros(one.pid), cpuMicros(pid) + ended);
}

/** Gives the proportional resident memory (PSS) of a process in bytes. */
export function proportionalBytes(pid: number): number {
  return kibibytesOf(`/proc/${pid}/smaps_rollup`, 'Pss');
}

/** Gives the resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  return kibibytesOf(`/proc/${pid}/status`, 'VmRSS');
}

/** Gives the highest resident memory that a process has had, in bytes. */
export function peakBytes(pid: number): number {
  return kibibytesOf(`/proc/${pid}/status`, 'VmHWM');
}

/** Gives a process's arguments and environment as one text; empty when it is gone or not ours to read. */
export function argumentsAndEnvironment(pid: number): string {
  return readOrEmpty(`/proc/${pid}/cmdline`) + '\0' + readOrEmpty(`/proc/${pid}/environ`);
}

/** Says whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text !== '' && !['Z', 'X'].includes(text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3));
}

function allProcesses(): ProcessFacts[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.flatMap((pid) => {
    if (!isAlive(pid)) return [];
    const commandLine = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return [{ pid, parentPid: Number(statFields(pid)[1]), commandLine }];
  });
}

/** The fields of /proc/PID/stat after the command's name, which may hold spaces: [0] is the state (proc(5), field 3). */
function statFields(pid: number): string[] {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function kibibytesOf(file: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readOrEmpty(file));
  return Number(match?.[1] ?? 0) * 1024;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // the process ended between two looks
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
