import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './command-context.ts';
import { spawnCommand } from './spawn-command.ts';

/** Runs a maintenance program in this one's place, on DATABASE_URL or on the data folder; gives its exit code. */
export function runMaintenance(context: CommandContext, args: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL('../../infra/tools/maintain.mjs', import.meta.url));
  if (!existsSync(script)) {
    throw new CliError('this onecli does not stand in its repository, so it cannot work on a database', {
      hint: 'run it where the gateway is installed',
    });
  }
  return spawnCommand(process.execPath, [script, ...args], context.environment.inherited);
}
