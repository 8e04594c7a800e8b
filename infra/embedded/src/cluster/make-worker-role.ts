import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { masterKeyFile } from '../children/child-environments.ts';
import type { MasterKeyHolder } from '../data-folder/data-folder.ts';
import { closeKeyDescriptor, openKeyDescriptor } from '../data-folder/hand-over-key.ts';
import { workerRole } from '../postgres/postgres-settings.ts';
import { StartFault } from '../start-fault.ts';

/**
 * Makes the database role of the workers, or gives it its rights anew, as `onecli database worker-role` does.
 * @param databaseUrl the owner's; the database runs
 * @returns the URL of the same database for workers
 * @throws StartFault with what was said, when it cannot be made
 */
export async function makeWorkerRole(databaseUrl: string, key: MasterKeyHolder): Promise<string> {
  const program = fileURLToPath(import.meta.resolve('@onecli/control-plane/maintain'));
  const descriptor = key.kind === 'given' ? openKeyDescriptor(key.hex) : undefined;
  try {
    const child = spawn(process.execPath, [program, 'worker-role', workerRole], {
      // The key is descriptor 4, as for every child.
      stdio: ['ignore', 'ignore', 'pipe', 'ignore', descriptor ?? 'ignore'],
      env: { DATABASE_URL: databaseUrl, ONECLI_MASTER_KEY_FILE: masterKeyFile(key) },
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    const [said, exitCode] = await Promise.all([child.stderr === null ? '' : text(child.stderr), ended]);
    if (exitCode !== 0) throw new StartFault(`The database role of the workers could not be made: ${said.trim()}`);
  } finally {
    closeKeyDescriptor(descriptor);
  }
  const url = new URL(databaseUrl);
  url.searchParams.set('user', workerRole);
  return url.href;
}
