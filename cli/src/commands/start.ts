import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { spawnCommand } from '../spawn-command.ts';

export function addStart(program: Command, context: CommandContext): void {
  program
    .command('start')
    .description('start the gateway on this machine, as `npm start` does; its flags follow')
    .argument('[flags...]')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (flags: string[]) => {
      const script = fileURLToPath(new URL('../../../infra/tools/start.mjs', import.meta.url));
      if (!existsSync(script)) {
        throw new CliError('this onecli does not stand in its repository, so it cannot start the gateway', {
          hint: 'run `npm start` in the repository',
        });
      }
      process.exitCode = await spawnCommand(process.execPath, [script, ...flags], context.environment.inherited);
    });
}
