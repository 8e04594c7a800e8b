import type { Command } from 'commander';
import { z } from 'zod';
import { AgentTokens } from '../agent-tokens.ts';
import { ApiError } from '../api/api-client.ts';
import { type Agent, agentSchema, pathOf, tokenSchema, writtenAgentSchema } from '../api/api-types.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { collectIdentity, type IdentityInput, identityForms } from '../identity-option.ts';
import { collectLabel } from '../parse-options.ts';
import { addCertificate, addShow, addUpdate } from './agent-identities.ts';
import { handOut, type TokenOptions } from './hand-out-token.ts';

export function addAgent(program: Command, context: CommandContext): void {
  const agent = program.command('agent').description('the workloads that go through the gateway');
  addCreate(agent, context);
  addList(agent, context);
  addShow(agent, context);
  addUpdate(agent, context);
  addCertificate(agent, context);
  agent
    .command('rotate')
    .description('give an agent a new token, printed once; the old one stops working')
    .argument('<name>')
    .option('--no-save', 'do not keep the token for `onecli run` on this machine')
    .action(async (name: string, options: TokenOptions) => {
      const api = openApi(context);
      const { token } = await api.call('POST', `${pathOf('agents', name)}/rotate`, tokenSchema);
      handOut(context, api, name, token, options);
    });
  for (const verb of ['disable', 'enable'] as const) {
    agent
      .command(verb)
      .description(
        verb === 'disable' ? 'refuse an agent everything until it is enabled' : 'let a disabled agent in again',
      )
      .argument('<name>')
      .action(async (name: string) => {
        await openApi(context).call('POST', `${pathOf('agents', name)}/${verb}`, z.unknown());
        context.terminal.notice(`${verb}d ${name}`);
      });
  }
  agent
    .command('delete')
    .description('delete an agent; one that is absent is no fault')
    .argument('<name>')
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('agents', name), agentSchema)) !== undefined;
      await api.call('DELETE', pathOf('agents', name), z.unknown());
      new AgentTokens(context.environment).forget(api.apiUrl, name);
      context.terminal.notice(isThere ? `deleted ${name}` : `there is no agent "${name}": nothing to delete`);
    });
}

function addCreate(agent: Command, context: CommandContext): void {
  agent
    .command('create')
    .description('create an agent and print its token, if it has one, once')
    .argument('<name>')
    .option('--label <key=value>', 'label for policies to select by; repeatable', collectLabel)
    .option('--identity <identity>', 'what it is recognised by; repeatable (default: token)', collectIdentity)
    .option('--no-save', 'do not keep the token for `onecli run` on this machine')
    .addHelpText(
      'after',
      `
Examples:
  onecli agent create my-agent
  onecli agent create finance-bot --label team=finance
  TOKEN=$(onecli agent create ci --no-save)
  onecli agent create ci --identity cn:ci
  onecli agent create java-app --identity source:10.3.0.5

Identities; an agent may have several, and all that it presents have to be its own:
${identityForms}`,
    )
    .action(
      async (name: string, options: TokenOptions & { label?: Record<string, string>; identity?: IdentityInput[] }) => {
        const api = openApi(context);
        const labels = options.label === undefined ? {} : { labels: options.label };
        const body = { name, ...labels, identities: options.identity ?? [{ token: {} }] };
        const { token } = await api.call('POST', '/api/agents', writtenAgentSchema, body).catch((error: unknown) => {
          if (!(error instanceof ApiError) || error.code !== 'NAME_TAKEN') throw error;
          throw new CliError(`there is an agent "${name}" already`, {
            cause: error,
            hint: `for a new token (the old one stops working): onecli agent rotate ${name}`,
          });
        });
        if (token !== undefined) handOut(context, api, name, token, options);
        else context.terminal.notice(`created ${name}, which has no token`);
      },
    );
}

function addList(agent: Command, context: CommandContext): void {
  agent
    .command('list')
    .description('list agents')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const agents = await openApi(context).list('/api/agents', agentSchema);
      if (options.json) return context.terminal.print(JSON.stringify(agents, null, 2));
      if (agents.length === 0)
        return context.terminal.notice('no agents yet; create one: onecli agent create my-agent');
      for (const line of formatTable(['NAME', 'STATE', 'IDENTITIES', 'LABELS'], agents.map(row)))
        context.terminal.print(line);
    });
}

function row(agent: Agent): string[] {
  const labels = Object.entries(agent.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const kinds = [...new Set((agent.identities ?? []).flatMap((identity) => Object.keys(identity)))];
  return [agent.name, agent.disabled ? 'disabled' : 'enabled', kinds.join(' '), labels.join(' ')];
}
