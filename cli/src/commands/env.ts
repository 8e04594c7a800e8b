import { type Command, Option } from 'commander';
import { type AgentEnvironmentOptions, agentEnvironment } from '../agent-environment.ts';
import type { CommandContext } from '../command-context.ts';
import { quoteVariables, type VariableFormat, variableFormats } from '../quote-variables.ts';
import { addEnvRewrite } from './env-rewrite.ts';
import { addAgentOptions } from './run.ts';

export function addEnv(program: Command, context: CommandContext): void {
  const env = program.command('env');
  addEnvRewrite(env, context);
  addAgentOptions(env)
    .description("print what `run` would set, for a shell or a tool to read; it holds the agent's token")
    .addOption(new Option('--format <format>', 'how to write it').choices(variableFormats).default('sh'))
    .addHelpText(
      'after',
      `
Examples:
  eval "$(onecli env --agent my-agent)"
  onecli env --agent my-agent --format fish | source
  onecli env --agent my-agent --format dotenv > agent.env

The shell formats also unset what would go past the gateway (ALL_PROXY) and the admin's variables (ONECLI_ADMIN_*, ONECLI_API_KEY, ONECLI_MASTER_KEY*), as \`run\` does.`,
    )
    .action(async (options: AgentEnvironmentOptions & { format: VariableFormat }) => {
      const { change, notices } = await agentEnvironment(context, options);
      for (const notice of notices) context.terminal.notice(`onecli: ${notice}`);
      context.terminal.write(quoteVariables(options.format, change.set, change.unset));
    });
}
