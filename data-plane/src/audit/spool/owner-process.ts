import { existsSync, readFileSync, readlinkSync } from 'node:fs';

/** Which process it is, for one that may see it, and for one that may not. */
export interface Process {
  readonly pid: number;
  readonly startedAt: string;
  /** Of the machine that runs; a number says something only there. Absent where the system does not tell. */
  readonly machineBoot?: string | undefined;
  /** Where its number means it: containers count their own. */
  readonly namespace?: string | undefined;
}

export function ownProcess(): Process {
  const place = { machineBoot: machineBoot(), namespace: ownNamespace() };
  return { pid: process.pid, startedAt: startOf(process.pid) ?? 'unknown', ...place };
}

/** Whether a process is gone; undefined when it would not be seen from here if it were there. */
export function hasGone({ pid, startedAt, machineBoot: boot, namespace }: Process): boolean | undefined {
  if (namespace !== undefined && (namespace !== ownNamespace() || boot !== machineBoot())) return undefined;
  return startOf(pid) !== startedAt;
}

function ownNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function machineBoot(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Tells a process from a later one with the same number; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) return process.kill(pid, 0) ? 'alive' : undefined;
    // proc(5): field 22, start time in clock ticks since boot; field 2 may hold blanks and is in parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${machineBoot()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
