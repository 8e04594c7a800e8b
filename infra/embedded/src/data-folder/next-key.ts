/**
 * A new master key on its way into the data folder:
 *
 *   1. master.key.next is there, whole         the database has the old key
 *   2. the database has the new key            (one transaction)
 *   3. master.key.next becomes master.key      (one rename)
 *
 * Killed after 1, the database has the old key, or after 2, the new one: which, only the database tells. So whoever finds
 * master.key.next does 2 again, which changes nothing when it is done already, and then 3.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '@onecli/shared/exit-codes';
import { StartFault } from '../start-fault.ts';

const keyName = 'master.key';

/** Where the new key lies until it is in force. */
export function nextKeyPath(dataDir: string): string {
  return join(dataDir, `${keyName}.next`);
}

/** Whether a new key was made and is not in force for sure. */
export function hasNextKey(dataDir: string): boolean {
  return existsSync(nextKeyPath(dataDir));
}

/**
 * Makes the new key, or takes that of a file, unless an interrupted run did so already.
 * @throws StartFault for a file without a key, or when what was interrupted was about another one
 */
export function prepareNextKey(dataDir: string, file: string | undefined): void {
  const given = file === undefined ? undefined : readKey(file);
  if (hasNextKey(dataDir)) {
    if (given === undefined || given === readKey(nextKeyPath(dataDir))) return;
    throw new StartFault(
      'A change to another master key was interrupted: bring it to its end with `onecli keys rekey`, then do this one.',
      { exitCode: exitCodes.wrong },
    );
  }
  const temporary = `${nextKeyPath(dataDir)}.making`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${given ?? randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(temporary, nextKeyPath(dataDir));
  syncFolder(dataDir);
}

/** Puts the new key in the place of the old one. The database has it. @returns a line for the person who did it */
export function takeNextKey(dataDir: string): string {
  const path = join(dataDir, keyName);
  renameSync(nextKeyPath(dataDir), path);
  syncFolder(dataDir);
  return `The new master key is in ${path}. Back it up: without it nothing stored can be read. Backups from before need the old one.`;
}

function readKey(path: string): string {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim().toLowerCase() : '';
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new StartFault(`${path}: expected a file with a master key, 64 hexadecimal digits. Nothing was changed.`, {
    exitCode: exitCodes.wrong,
  });
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
