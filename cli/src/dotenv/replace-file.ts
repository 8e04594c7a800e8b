import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { CliError } from '../cli-error.ts';

/**
 * Puts another text in the place of a file's, whole or not at all: mode and owner stay, and a link goes on pointing at it. What
 * was saved since `from` was read is not overwritten. @throws CliError, and the file is then as it was
 */
export function replaceFile(path: string, { from, to }: { readonly from: string; readonly to: string }): void {
  try {
    replace(path, from, to);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    throw new CliError(`${path} cannot be replaced with its owner and mode as they are (${code}); it is as it was`, {
      cause,
    });
  }
}

function replace(path: string, from: string, to: string): void {
  const target = realpathSync(path);
  const before = statSync(target);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(descriptor, to);
    giveTo(descriptor, before);
    fsyncSync(descriptor);
    if (realpathSync(path) !== target || !readFileSync(target).equals(Buffer.from(from)))
      throw new CliError(`${path} was changed meanwhile; nothing was replaced`, { hint: 'run this again' });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function giveTo(descriptor: number, { uid, gid, mode }: Stats): void {
  const made = fstatSync(descriptor);
  if (made.uid !== uid || made.gid !== gid) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o777);
}
