import type { Command } from 'commander';
import { type AgentEnvironmentOptions, agentEnvironment } from '../agent-environment.ts';
import { applyChange } from '../child-environment.ts';
import type { CommandContext } from '../command-context.ts';
import { collect } from '../parse-options.ts';
import { spawnCommand } from '../spawn-command.ts';
import { warnOfNode } from '../warn-of-node.ts';

export function addRun(program: Command, context: CommandContext): void {
  addAgentOptions(program.command('run'))
    .description('run a command as an agent, behind the gateway, holding placeholders in place of keys')
    .argument('<command>', 'the command to run; its own options follow it')
    .argument('[args...]')
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Examples:
  onecli run --agent my-agent -- python agent.py
  onecli run --agent my-agent -- claude
  onecli run --agent my-agent --set API_KEY=prod/openai -- node script.mjs
  onecli run --agent my-agent --base-url OPENAI_BASE_URL=api.openai.com/v1 -- node script.mjs

Ends with the command's own exit code; 128+n when signal n ended it, 127 when there is no such command.`,
    )
    .action(async (command: string, args: string[], options: AgentEnvironmentOptions) => {
      const { change, notices } = await agentEnvironment(context, options);
      for (const notice of notices) context.terminal.notice(`onecli: ${notice}`);
      const environment = applyChange(context.environment.inherited, change);
      const warning = warnOfNode(command, environment);
      if (warning !== undefined) context.terminal.notice(`onecli: warning: ${warning}`);
      process.exitCode = await spawnCommand(command, args, environment);
    });
}

/** The options that `run` and `env` share. */
export function addAgentOptions(command: Command): Command {
  return command
    .option('--agent <name>', 'the agent to run as (default: ONECLI_AGENT, or the only one with a token here)')
    .option('--proxy-url <url>', 'address of the proxy (default: ONECLI_PROXY_URL, or the gateway on this machine)')
    .option('--set <VAR=name>', 'set a variable to the placeholder of a secret; repeatable', collect)
    .option(
      '--base-url <VAR=host/path>',
      "set a variable to the gateway's own URL for a host, for clients that honour no proxy; repeatable",
      collect,
    )
    .option('--no-placeholders', 'set no placeholders for the secrets that policies grant');
}
