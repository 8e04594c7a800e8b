import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/**
 * Puts another text in the place of a file's, whole or not at all: mode and owner stay, and a link goes on pointing at it.
 * @throws what the file system says; the file is then as it was
 */
export function replaceFile(path: string, text: string): void {
  const target = realpathSync(path);
  const { mode, uid, gid } = statSync(target);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(temporary, 'wx', mode & 0o777);
  try {
    writeFileSync(descriptor, text);
    fchmodSync(descriptor, mode & 0o777);
    fsyncSync(descriptor);
    if (process.getuid?.() === 0) chownSync(temporary, uid, gid);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
