import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A descriptor from which one child can read the key, for a key that came by the environment: it must appear neither in
 * the child's environment or arguments, which /proc shows, nor in a file that stays. The file has no name any more when
 * this returns, and lies in memory where the system has a folder for that. The caller closes the descriptor.
 */
export function openKeyDescriptor(hex: string): number {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'onecli-'));
  try {
    const path = join(folder, 'key');
    writeFileSync(path, hex, { mode: 0o600, flag: 'wx' });
    return openSync(path, 'r');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Closes what `openKeyDescriptor` gave. */
export function closeKeyDescriptor(descriptor: number | undefined): void {
  if (descriptor !== undefined) closeSync(descriptor);
}
