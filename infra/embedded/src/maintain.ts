/**
 * Maintenance of a data folder while OneCLI is stopped: starts its database, runs the control plane's maintenance program on it, and
 * stops it. Exit codes as those of that program; 3 when OneCLI runs.
 */
import { readConfig, type SupervisorConfig } from './config.ts';
import { DataFolder } from './data-folder/data-folder.ts';
import { lockFolder } from './data-folder/folder-lock.ts';
import { nextKeyPath, prepareNextKey, takeNextKey } from './data-folder/next-key.ts';
import { PostgresKeeper } from './postgres/postgres-keeper.ts';
import { runMaintenance } from './run-maintenance.ts';
import { StartFault, exitCodes } from './start-fault.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main([command = '', ...args]: readonly string[]): Promise<number> {
  const read = readConfig([]);
  if (read.kind !== 'config') {
    say(read.kind === 'faults' ? read.faults.join('\n') : read.text);
    return exitCodes.badConfiguration;
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
      if (command !== 'rekey' || args.length > 0 || config.masterKey.kind !== 'data-folder')
        return await runMaintenance([command, ...args, ...destroyedOption(folder, command, args)], environment);
      prepareNextKey(folder.path);
      const exitCode = await runMaintenance(['rekey', '--new-key-file', nextKeyPath(folder.path)], environment);
      if (exitCode === 0) say(takeNextKey(folder.path));
      return exitCode;
    } finally {
      await postgres.stop();
    }
  } finally {
    lock.release();
  }
}

/** The list of what was destroyed lies in the data folder. */
function destroyedOption(folder: DataFolder, command: string, args: readonly string[]): string[] {
  if (command !== 'restore' || args.includes('--destroyed') || !folder.hasDestroyedFile) return [];
  return ['--destroyed', folder.destroyedFile];
}

process.exit(await main(process.argv.slice(2)));
