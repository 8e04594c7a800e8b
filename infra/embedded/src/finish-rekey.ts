import { exitCodes } from '@onecli/shared/exit-codes';
import type { DataFolder, MasterKeyHolder } from './data-folder/data-folder.ts';
import { hasNextKey, nextKeyPath, takeNextKey } from './data-folder/next-key.ts';
import { runMaintenance } from './run-maintenance.ts';
import { StartFault } from './start-fault.ts';

/** Brings a change of the master key to its end that was interrupted. The database runs, and nothing else. */
export async function finishRekey(
  folder: DataFolder,
  key: MasterKeyHolder,
  databaseUrl: string,
  print: (line: string) => void,
): Promise<void> {
  if (key.kind !== 'file' || !hasNextKey(folder.path)) return;
  print('A change of the master key was interrupted: it is brought to its end.');
  const environment = { DATABASE_URL: databaseUrl, ONECLI_MASTER_KEY_FILE: key.path };
  const exitCode = await runMaintenance(['rekey', '--new-key-file', nextKeyPath(folder.path)], environment);
  if (exitCode === 0) return print(takeNextKey(folder.path));
  throw new StartFault(`Neither ${key.path} nor ${nextKeyPath(folder.path)} is the master key of this database.`, {
    exitCode: exitCodes.wrong,
  });
}
