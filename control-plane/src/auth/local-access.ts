import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { z } from 'zod';
import type { LocalAccess } from './authenticator.ts';

const token = z.string().regex(/^[A-Za-z0-9_-]{32,128}$/);
const fileForm = z.looseObject({ token });

export interface LocalAccessFile {
  readonly path: string;
  /** Where this API and the proxy are reached from this machine. */
  readonly apiUrl: string;
  readonly proxyUrl: string | undefined;
  readonly tokenPepper: Buffer;
}

/**
 * Leaves in a file (mode 0600, replaced in one step) how commands on this machine reach the API without a password. The
 * token of an earlier start is kept; otherwise a new one is made: 32 random bytes. This process keeps the token's hash alone.
 */
export async function writeLocalAccess({ path, apiUrl, proxyUrl, tokenPepper }: LocalAccessFile): Promise<LocalAccess> {
  const text = (await knownToken(path)) ?? `olt_${randomBytes(32).toString('base64url')}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.${process.pid}.next`;
  try {
    await writeFile(next, `${JSON.stringify({ apiUrl, proxyUrl, token: text }, null, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
    await chmod(next, 0o600);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  return { tokenHash: tokenHash(tokenPepper, text) };
}

async function knownToken(path: string): Promise<string | undefined> {
  let text: string;
  try {
    // What others could have written is not taken for our own.
    if (((await stat(path)).mode & 0o077) !== 0) return undefined;
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fileForm.parse(JSON.parse(text)).token;
  } catch {
    // Cut short or foreign: it is written anew.
    return undefined;
  }
}
