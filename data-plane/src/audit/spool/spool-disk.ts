import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the spool asks of the file system. Everything throws as node:fs does, but for what cleans up. */
export interface SpoolDisk {
  /** Makes a file of its own, and its folder, closed to other users. Gives its descriptor. */
  create(path: string): number;
  /** Gives how many bytes were taken. */
  write(descriptor: number, bytes: Buffer): number;
  /** Cuts off what is after `length`, as far as that can be done. */
  cut(descriptor: number, length: number): void;
  /** Resolves when what was written is on the medium. */
  sync(descriptor: number): Promise<void>;
  syncNow(descriptor: number): void;
  /** A file that was made in a folder is on the medium once that is, too. */
  syncFolder(path: string): void;
  close(descriptor: number): void;
  read(path: string, offset: number, length: number): Promise<Buffer>;
  remove(path: string): void;
  /** Names in a folder; none when it is not there. */
  list(folder: string): string[];
  sizeOf(path: string): number;
  readText(path: string): string | undefined;
  /** Its folder has to be there. */
  writeText(path: string, text: string): void;
  /** Closed to other users, and those that it lies in. */
  makeFolder(path: string): void;
  rename(path: string, to: string): void;
  /** Says that a file is in use. Gives its inode. */
  touch(path: string): number;
  /** Since a file was last written or touched, or a folder's name or content changed; 0 when it is not there. */
  ageMs(path: string): number;
}

export const realDisk: SpoolDisk = {
  create: (path) => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, 'wx', 0o600);
  },
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  cut: (descriptor, length) => orNothing(() => ftruncateSync(descriptor, length)),
  sync: (descriptor) =>
    new Promise((resolve, reject) => fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))),
  syncNow: (descriptor) => fdatasyncSync(descriptor),
  syncFolder: (path) => {
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  close: (descriptor) => orNothing(() => closeSync(descriptor)),
  read: readRange,
  remove: (path) => orNothing(() => rmSync(path, { recursive: true, force: true })),
  list: (folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  sizeOf: (path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0,
  readText: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  writeText: (path, text) => writeFileSync(path, text, { mode: 0o600 }),
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  rename: (path, to) => renameSync(path, to),
  touch: (path) => {
    const nowMs = Date.now();
    utimesSync(path, nowMs / 1000, nowMs / 1000);
    return statSync(path).ino;
  },
  ageMs: (path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return 0;
    return Date.now() - (found.isDirectory() ? found.ctimeMs : found.mtimeMs);
  },
};

async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What cannot be cleaned up now is no reason to stop: it is found at the next start. */
function orNothing(act: () => void): void {
  try {
    act();
  } catch {
    // The disk is away or read-only.
  }
}
