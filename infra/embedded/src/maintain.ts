/**
 * Maintenance of a data folder while OneCLI is stopped: starts its database, runs the control plane's maintenance program on it, and
 * stops it. Exit codes as those of that program; 4 when OneCLI runs.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readBackupHeader } from '@onecli/shared/vault/backup-header';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import { exitCodes } from '@onecli/shared/exit-codes';
import { readConfig, type SupervisorConfig } from './config.ts';
import { DataFolder } from './data-folder/data-folder.ts';
import { lockFolder } from './data-folder/folder-lock.ts';
import { nextKeyPath, prepareNextKey, takeNextKey } from './data-folder/next-key.ts';
import { PostgresKeeper } from './postgres/postgres-keeper.ts';
import { runMaintenance } from './run-maintenance.ts';
import { StartFault } from './start-fault.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main([command = '', ...args]: readonly string[]): Promise<number> {
  const read = readConfig([]);
  if (read.kind !== 'config') {
    say(read.kind === 'faults' ? read.faults.join('\n') : read.text);
    return exitCodes.wrong;
  }
  try {
    return await maintain(read.config, command, args);
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    say(error.message);
    return error.exitCode;
  }
}

async function maintain(config: SupervisorConfig, command: string, args: readonly string[]): Promise<number> {
  const folder = new DataFolder(config.dataDir);
  if (command === 'restore') await requireBackup(args);
  requireGround(folder, config, command);
  folder.open();
  const lock = await lockFolder(folder.path);
  try {
    const { holder } = folder.masterKey(config.masterKey);
    const postgres = await PostgresKeeper.start({ dataDir: folder.path }, say);
    const environment = {
      ...config.inheritedEnvironment,
      DATABASE_URL: postgres.url,
      ...(holder.kind === 'file' ? { ONECLI_MASTER_KEY_FILE: holder.path } : { ONECLI_MASTER_KEY: holder.hex }),
    };
    try {
      if (command !== 'rekey' || config.masterKey.kind !== 'data-folder')
        return await runMaintenance([command, ...args, ...destroyedOption(folder, command, args)], environment);
      return await rekeyFolder(folder, args, environment);
    } finally {
      await postgres.stop();
    }
  } finally {
    lock.release();
  }
}

/** The key lies in the data folder, and the new one comes into its place. */
async function rekeyFolder(
  folder: DataFolder,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { 'new-key-file': { type: 'string' } } });
  prepareNextKey(folder.path, values['new-key-file']);
  const exitCode = await runMaintenance(['rekey', '--new-key-file', nextKeyPath(folder.path)], environment);
  if (exitCode === 0) say(takeNextKey(folder.path));
  return exitCode;
}

/** A file that is not there, or no backup, is told before anything is begun for it. @throws StartFault */
async function requireBackup(args: readonly string[]): Promise<void> {
  const [path] = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    options: restoreOptions,
  }).positionals;
  try {
    if (path !== undefined) await readBackupHeader(path);
  } catch (cause) {
    if (!(cause instanceof VaultFault)) throw cause;
    throw new StartFault(`${cause.message}. Nothing was changed.`, { cause });
  }
}

/** Those that a value follows. */
const restoreOptions = { destroyed: { type: 'string' }, 'passphrase-file': { type: 'string' } } as const;

/** Maintenance makes neither a folder nor a key: in a wrong place it would do its work on nothing. @throws StartFault */
function requireGround(folder: DataFolder, { masterKey }: SupervisorConfig, command: string): void {
  const elsewhere =
    'Nothing was changed. Run it where OneCLI is started, or name its data folder with ONECLI_DATA_DIR.';
  const { path } = folder;
  const missing = (text: string) => new StartFault(text, { exitCode: exitCodes.wrong });
  if (!existsSync(path)) throw missing(`There is no data folder ${path}. ${elsewhere}`);
  if (command !== 'restore' && !folder.hasDatabase) throw missing(`${path} holds no database. ${elsewhere}`);
  if (masterKey.kind === 'data-folder' && !folder.hasMasterKey)
    throw missing(
      `${path} has no master.key. ${elsewhere} To restore into a new folder, put the master key of the backup's day into it first.`,
    );
}

/** The list of what was destroyed lies in the data folder. */
function destroyedOption(folder: DataFolder, command: string, args: readonly string[]): string[] {
  if (command !== 'restore' || args.includes('--destroyed') || !folder.hasDestroyedFile) return [];
  return ['--destroyed', folder.destroyedFile];
}

process.exit(await main(process.argv.slice(2)));
