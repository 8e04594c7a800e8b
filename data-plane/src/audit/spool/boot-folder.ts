import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolDisk } from './spool-disk.ts';

/** What the spool folder holds of one boot of a worker. */
export interface BootFolder {
  readonly path: string;
  readonly worker: string;
  readonly boot: string;
}

const ownerName = 'owner.json';
const folderForm = /^(?<worker>[a-z0-9][a-z0-9-]{0,62})\.(?<boot>[0-9a-f]{1,32})$/;

export function bootFolder(spoolFolder: string, worker: string, boot: string): BootFolder {
  return { path: join(spoolFolder, `${worker}.${boot}`), worker, boot };
}

/** Says whose a folder is, for as long as this process lives. */
export function claimFolder(disk: SpoolDisk, folder: BootFolder): void {
  disk.writeText(join(folder.path, ownerName), JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) }));
}

/** Folders of boots whose process is gone: what they hold has to be given to the queue by somebody else. */
export function abandonedFolders(disk: SpoolDisk, spoolFolder: string): BootFolder[] {
  return disk.list(spoolFolder).flatMap((name) => {
    const { worker, boot } = folderForm.exec(name)?.groups ?? {};
    if (worker === undefined || boot === undefined) return [];
    const folder = bootFolder(spoolFolder, worker, boot);
    return isOwned(disk, folder) ? [] : [folder];
  });
}

function isOwned(disk: SpoolDisk, { path }: BootFolder): boolean {
  try {
    const owner = JSON.parse(disk.readText(join(path, ownerName)) ?? '{}') as { pid?: number; startedAt?: string };
    return typeof owner.pid === 'number' && owner.startedAt !== undefined && startOf(owner.pid) === owner.startedAt;
  } catch {
    return false;
  }
}

/** Tells a process from a later one with the same number; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) return process.kill(pid, 0) ? 'alive' : undefined;
    // proc(5): field 22, start time in clock ticks since boot; field 2 may hold blanks and is in parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
