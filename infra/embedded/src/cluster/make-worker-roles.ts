import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { masterKeyFile } from '../children/child-environments.ts';
import type { MasterKeyHolder } from '../data-folder/data-folder.ts';
import { closeKeyDescriptor, openKeyDescriptor } from '../data-folder/hand-over-key.ts';
import { roleOfWorker, workerRole } from '../postgres/postgres-settings.ts';
import { StartFault } from '../start-fault.ts';

/**
 * Makes a database role for each worker, and one for any other, or gives them their rights anew, as `onecli database worker-role` does.
 * @param databaseUrl the owner's; the database runs
 * @returns the URL of the same database for a worker, by its name
 * @throws StartFault with what was said, when one cannot be made
 */
export async function makeWorkerRoles(
  databaseUrl: string,
  key: MasterKeyHolder,
  workers: readonly string[],
): Promise<(worker: string) => string> {
  const program = fileURLToPath(import.meta.resolve('@onecli/control-plane/maintain'));
  const roles = [workerRole, ...workers.map((name) => `${roleOfWorker(name)}=${name}`)];
  const descriptor = key.kind === 'given' ? openKeyDescriptor(key.hex) : undefined;
  try {
    const child = spawn(process.execPath, [program, 'worker-role', ...roles], {
      // The key is descriptor 4, as for every child.
      stdio: ['ignore', 'ignore', 'pipe', 'ignore', descriptor ?? 'ignore'],
      env: { DATABASE_URL: databaseUrl, ONECLI_MASTER_KEY_FILE: masterKeyFile(key) },
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    const [said, exitCode] = await Promise.all([child.stderr === null ? '' : text(child.stderr), ended]);
    if (exitCode !== 0) throw new StartFault(`The database roles of the workers could not be made: ${said.trim()}`);
  } finally {
    closeKeyDescriptor(descriptor);
  }
  return (worker) => {
    const url = new URL(databaseUrl);
    url.searchParams.set('user', roleOfWorker(worker));
    return url.href;
  };
}
