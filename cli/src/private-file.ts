import { readFileSync, statSync } from 'node:fs';
import { CliError } from './cli-error.ts';

/**
 * The text of a file that only this user can have written; undefined when there is none. One that anybody else could have written,
 * or that came with a cloned repository (git keeps no mode 0600), must not choose where secrets are sent. Throws for such a file.
 */
export function readPrivateFile(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  if (process.platform !== 'win32') {
    const isOwn = stat.uid === process.getuid?.() || stat.uid === 0;
    if (!isOwn || (stat.mode & 0o077) !== 0) {
      throw new CliError(`${path} is not used: others may read or write it, or own it`, {
        hint: `if the gateway wrote it: chmod 600 ${path}; otherwise remove it`,
      });
    }
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CliError(`${path} cannot be read`, { cause, hint: 'run as the user that started the gateway' });
  }
}
