import { join } from 'node:path';
import { plainEnvironment } from './plain-environment.ts';
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts';
import { type Onecli, repositoryRoot } from './start-onecli.ts';

/** Runs `onecli …` against a running product, which the CLI finds by its data folder. */
export function runOnecliCommand(
  onecli: Onecli,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const env = { ...plainEnvironment(), ONECLI_DATA_DIR: onecli.dataFolder, ...options.env };
  return runCommand('node', [join(repositoryRoot, 'cli/bin/onecli.mjs'), ...args], { ...options, env });
}
