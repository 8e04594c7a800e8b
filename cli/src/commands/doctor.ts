import type { Command } from 'commander';
import { agentEnvironment } from '../agent-environment.ts';
import { AgentTokens } from '../agent-tokens.ts';
import { ApiClient } from '../api/api-client.ts';
import { pathOf, policySchema } from '../api/api-types.ts';
import type { AdminAccess } from '../api/admin-access.ts';
import { applyChange } from '../child-environment.ts';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, findAccess, proxyAddress } from '../command-context.ts';
import type { Check } from '../doctor/check.ts';
import { checkAuthority, checkReachable, checkToken, probeHost } from '../doctor/check-gateway.ts';
import { checkCaVariables, checkNode, checkProxyVariables, readNamedProxy } from '../doctor/check-variables.ts';
import type { Variables } from '../environment.ts';
import type { Terminal } from '../terminal.ts';

interface DoctorOptions {
  readonly agent?: string;
  readonly proxyUrl?: string;
  readonly host?: string;
  readonly json?: true;
}

export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description("say from the agent's side what is wrong, and the mend")
    .option('--agent <name>', 'look at what `onecli run --agent` would set, not at the variables of this shell')
    .option('--proxy-url <url>', 'address of the proxy')
    .option('--host <host[:port]>', 'a host to try (default: one that the agent is allowed, if that can be known)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  onecli run --agent my-agent -- onecli doctor
  onecli doctor --agent my-agent --host api.openai.com

Exit code 0 when nothing is wrong, else 1.`,
    )
    .action(async (options: DoctorOptions) => {
      const checks = await examine(context, options);
      if (options.json) context.terminal.print(JSON.stringify(checks, null, 2));
      else for (const check of checks) printCheck(context.terminal, check);
      if (checks.some(({ kind }) => kind === 'fail')) process.exitCode = 1;
    });
}

async function examine(context: CommandContext, options: DoctorOptions): Promise<Check[]> {
  const access = findAccess(context);
  const { agent, proxyUrl } = options;
  const saved = agent === undefined ? undefined : new AgentTokens(context.environment).find(access?.apiUrl, agent);
  const address = new URL(proxyAddress(context, proxyUrl, access, saved)).origin;
  const target = options.host === undefined ? undefined : parseTarget(options.host);
  const isKnown =
    proxyUrl !== undefined || context.environment.proxyUrl !== undefined || access?.proxyUrl !== undefined;
  const reachable = await checkReachable(readNamedProxy(context.environment.inherited)?.address ?? address);
  if (agent !== undefined && reachable[0]?.kind === 'fail') return reachable;
  const variables = await variablesOf(context, options);
  const proxy = readNamedProxy(variables);
  const checks = [
    ...checkProxyVariables(variables, isKnown ? address : undefined),
    checkNode(variables, process.version),
    ...reachable,
  ];
  if (reachable[0]?.kind === 'fail') return checks;
  if (proxy === undefined) return checks;
  checks.push(checkCaVariables(variables), ...(await checkAuthority(proxy.address, variables)));
  if (proxy.token === '') return checks;
  const tried = target ?? (await allowedTarget(proxy.agent, access)) ?? { host: probeHost, port: 443 };
  return [...checks, ...(await checkToken(proxy, tried, variables))];
}

async function variablesOf(context: CommandContext, { agent, proxyUrl }: DoctorOptions): Promise<Variables> {
  const { inherited } = context.environment;
  if (agent === undefined) return inherited;
  const options = { agent, placeholders: false, ...(proxyUrl === undefined ? {} : { proxyUrl }) };
  return applyChange(inherited, (await agentEnvironment(context, options)).change);
}

/** A host that the agent's own policy allows by its exact name; undefined where that cannot be known. */
async function allowedTarget(
  agent: string,
  access: AdminAccess | undefined,
): Promise<{ host: string; port: number } | undefined> {
  if (access === undefined) return undefined;
  try {
    const policy = await new ApiClient(access).find(pathOf('policies', agent), policySchema);
    const hosts = (policy?.rules ?? []).flatMap((rule) => rule.allow?.hosts ?? []);
    const exact = hosts.find((host) => !host.includes('*'));
    return exact === undefined ? undefined : parseTarget(exact);
  } catch (error) {
    // The agent's side does not depend on the control plane.
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

/** Reads `host` or `host:port`; port 443 when none is given. */
export function parseTarget(text: string): { host: string; port: number } {
  const parts = /^([a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(parts?.[2] ?? 443);
  if (parts?.[1] === undefined || port < 1 || port > 65_535)
    throw usageError(`--host cannot be "${text}"`, 'give host or host:port');
  return { host: parts[1], port };
}

function printCheck(terminal: Terminal, check: Check): void {
  switch (check.kind) {
    case 'pass':
      return terminal.print(`${terminal.paint('green', '✓')} ${check.title}`);
    case 'skip':
      return terminal.print(`${terminal.paint('dim', '-')} ${check.title}`);
    case 'warn':
      return terminal.print(`${terminal.paint('yellow', '!')} ${check.title}\n    ${check.mend}`);
    case 'fail':
      return terminal.print(`${terminal.paint('red', '✗')} ${check.title}\n    ${check.mend}`);
  }
}
