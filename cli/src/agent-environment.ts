import { isSecretName } from '@onecli/shared/domain/names';
import { findPlaceholders, placeholderFor } from '@onecli/shared/domain/placeholder';
import { AgentTokens } from './agent-tokens.ts';
import { ApiClient } from './api/api-client.ts';
import type { AdminAccess } from './api/admin-access.ts';
import { agentSchema, policySchema, selectsAgent } from './api/api-types.ts';
import { baseUrlFor, baseUrlVariables } from './base-url.ts';
import { fetchAuthorities, writeCaFiles } from './ca-bundle.ts';
import { changeEnvironment, type EnvironmentChange, proxyUrlFor } from './child-environment.ts';
import { CliError, usageError } from './cli-error.ts';
import { type CommandContext, findAccess, proxyAddress } from './command-context.ts';
import type { Variables } from './environment.ts';
import { placeholderVariables } from './placeholder-variables.ts';
import { grantedSecrets } from './policy-rules.ts';

/** What `run` and `env` can be told. */
export interface AgentEnvironmentOptions {
  readonly agent?: string;
  readonly proxyUrl?: string;
  /** `VAR=prod/name`, each. */
  readonly set?: readonly string[];
  /** `VAR=host/path`, each. */
  readonly baseUrl?: readonly string[];
  /** False: no placeholders but those of `set`. */
  readonly placeholders: boolean;
}

/** Who an agent is to the gateway: its name, its token and where the proxy is. */
export interface AgentIdentity {
  readonly agent: string;
  readonly token: string;
  readonly proxyAddress: string;
}

/** What policies let an agent use, and what to tell where that is not known. */
interface Granted {
  readonly secrets: readonly string[];
  readonly notices: readonly string[];
}

// The gateway knows an agent by its token; clients want some user name beside it.
const unnamedAgent = 'unnamed';

/**
 * What to change in this process's environment so that a command runs as an agent behind the gateway, and what to tell the user
 * about it. Fetches the authority and writes the CA files. Throws when the gateway is away or the agent has no token here.
 */
export async function agentEnvironment(
  context: CommandContext,
  options: AgentEnvironmentOptions,
): Promise<{ readonly change: EnvironmentChange; readonly notices: readonly string[] }> {
  const explicit = parseAssignments(options.set ?? []);
  const access = findAccess(context);
  const identity = findIdentity(context, options, access);
  const { inherited } = context.environment;
  const [authorityPem, granted] = await Promise.all([
    fetchAuthorities(identity.proxyAddress),
    options.placeholders ? grantedTo(identity.agent, access) : { secrets: [], notices: [] },
  ]);
  const placed = placeholderVariables(granted.secrets, inherited, explicit);
  const baseUrl = baseUrlFor(identity.proxyAddress, identity.agent, identity.token);
  const gateway = {
    proxyUrl: proxyUrlFor(identity.proxyAddress, identity.agent, identity.token),
    baseUrl,
    ...writeCaFiles(context.environment, authorityPem),
  };
  return {
    change: changeEnvironment(inherited, gateway, {
      ...placed.variables,
      ...baseUrlVariables(options.baseUrl ?? [], baseUrl),
    }),
    notices: [...granted.notices, ...placed.notices, ...ungranted(options, identity.agent, granted)],
  };
}

/** The agent to run as: by option, ONECLI_AGENT, or the only one with a token here. Throws when it or its token is not known. */
export function findIdentity(
  context: CommandContext,
  options: Pick<AgentEnvironmentOptions, 'agent' | 'proxyUrl'>,
  access: AdminAccess | undefined,
): AgentIdentity {
  const { environment } = context;
  const tokens = new AgentTokens(environment);
  const apiUrl = access?.apiUrl;
  const isTokenGiven = environment.agentToken !== undefined;
  const named = options.agent ?? environment.agent;
  const agent = named ?? (isTokenGiven ? unnamedAgent : onlyOf(tokens.names(apiUrl)));
  if (options.proxyUrl !== undefined && !URL.canParse(options.proxyUrl))
    throw usageError('--proxy-url has to be an http:// or https:// URL');
  const saved = isTokenGiven ? undefined : tokens.find(apiUrl, agent);
  const token = environment.agentToken ?? saved?.token;
  if (token === undefined) {
    throw new CliError(`there is no token for agent "${agent}" on this machine`, {
      hint: `make one: onecli agent create ${agent} (or, if it exists: onecli agent rotate ${agent}); or set ONECLI_AGENT_TOKEN`,
    });
  }
  return { agent, token, proxyAddress: proxyAddress(context, options.proxyUrl, access, saved) };
}

/** Reads `VAR=prod/name` or `VAR=prod/name@3` into variable → placeholder. Throws a usage error that names the faulty one. */
export function parseAssignments(assignments: readonly string[]): Variables {
  const variables: Record<string, string> = {};
  for (const assignment of assignments) {
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)=(?:onecli:\/\/)?([^@]+)(?:@([1-9][0-9]{0,8}))?$/.exec(assignment);
    const [, variable, name, version] = parts ?? [];
    if (variable === undefined || name === undefined || !isSecretName(name)) {
      // Not the whole of it: what stands after the = may be a real key, given by mistake.
      throw usageError(
        `--set ${assignment.split('=')[0]}: expected VAR=environment/name`,
        'for example --set API_KEY=prod/openai',
      );
    }
    variables[variable] = placeholderFor(name, version === undefined ? undefined : Number(version));
  }
  return variables;
}

/** Placeholders that were set by hand and that no policy lets the agent use: they would be refused later, far from here. */
function ungranted({ set = [], placeholders }: AgentEnvironmentOptions, agent: string, granted: Granted): string[] {
  if (!placeholders || granted.notices.length > 0) return [];
  return Object.values(parseAssignments(set))
    .flatMap((placeholder) => findPlaceholders(placeholder).flatMap(({ name }) => name ?? []))
    .filter((name) => !granted.secrets.includes(name))
    .map((name) => `no policy lets "${agent}" use ${name}: onecli policy allow ${agent} HOST --secrets ${name}`);
}

async function grantedTo(agent: string, access: AdminAccess | undefined): Promise<Granted> {
  if (access === undefined) {
    return {
      secrets: [],
      notices: ['no admin access here, so no placeholders were set; name them with --set VAR=prod/name'],
    };
  }
  const api = new ApiClient(access);
  try {
    const [agents, policies] = await Promise.all([
      api.list('/api/agents', agentSchema),
      api.list('/api/policies', policySchema),
    ]);
    const found = agents.find(({ name }) => name === agent);
    if (found === undefined) {
      return {
        secrets: [],
        notices: [`there is no agent "${agent}" at ${access.apiUrl}, so no placeholders were set`],
      };
    }
    const labels = found.labels ?? {};
    const selected = policies.filter((policy) => selectsAgent(policy, agent, labels));
    return { secrets: grantedSecrets(selected.flatMap(({ rules }) => rules)), notices: [] };
  } catch (error) {
    // The proxy works without the control plane, and so does a command that needs no new placeholders.
    if (!(error instanceof CliError)) throw error;
    return { secrets: [], notices: [`no placeholders were set: ${error.message}; name them with --set VAR=prod/name`] };
  }
}

function onlyOf(names: readonly string[]): string {
  const [first] = names;
  if (first !== undefined && names.length === 1) return first;
  const hint = names.length === 0 ? 'make one: onecli agent create my-agent' : `there are: ${names.join(', ')}`;
  throw usageError('which agent? Give --agent NAME or set ONECLI_AGENT', hint);
}
