import { isSecretName } from '@onecli/shared/domain/names';
import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { type ApiClient, ApiError } from '../api/api-client.ts';
import { agentSchema, pathOf, type Policy, policySchema, secretSchema } from '../api/api-types.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { collectList, parseCount } from '../parse-options.ts';
import {
  addRule,
  describeRule,
  grantedSecrets,
  type NewRule,
  type PolicyRule,
  type RuleInput,
  ruleInput,
  type RuleTerms,
  valueAt,
  withoutDeleted,
} from '../policy-rules.ts';
import { collectWindow, parseBytes, parseRate } from '../rule-terms.ts';
import { printable, type Terminal } from '../terminal.ts';

interface RuleOptions {
  readonly window?: ReturnType<typeof collectWindow>;
  readonly rate?: ReturnType<typeof parseRate>;
  readonly concurrent?: number;
  readonly maxBody?: number;
  readonly tunnel?: true;
  readonly http2?: true;
  readonly plainHttp?: true;
  readonly approval?: true;
  readonly monitor?: true;
  readonly paths?: string[];
  readonly methods?: string[];
  readonly secrets?: string[];
}

export function addPolicy(program: Command, context: CommandContext): void {
  const policy = program.command('policy').description('who may reach what, with which secrets');
  addEffect(policy, context, 'allow');
  addEffect(policy, context, 'deny');
  addList(policy, context);
  addMode(policy, context);
  policy
    .command('show')
    .description('show one policy')
    .argument('<name>')
    .option('--json', 'as JSON')
    .action(async (name: string, options: { json?: true }) => {
      const found = await openApi(context).call('GET', pathOf('policies', name), policySchema);
      if (options.json) return context.terminal.print(JSON.stringify(found, null, 2));
      const monitored = found.mode === 'monitor' ? ', in monitor mode' : '';
      context.terminal.print(`${found.name}, for ${describeAgents(found)}${monitored}`);
      for (const rule of found.rules) context.terminal.print(`  ${describeRule(rule)}`);
    });
  policy
    .command('delete')
    .description('delete a policy; one that is absent is no fault')
    .argument('<name>')
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('policies', name), policySchema)) !== undefined;
      await api.call('DELETE', pathOf('policies', name), z.unknown());
      context.terminal.notice(isThere ? `deleted policy ${name}` : `there is no policy "${name}": nothing to delete`);
    });
}

function addEffect(policy: Command, context: CommandContext, effect: 'allow' | 'deny'): void {
  const command = policy
    .command(effect)
    .description(
      effect === 'allow'
        ? 'let an agent reach a host, and use secrets there'
        : 'refuse an agent a host; a deny beats every allow',
    )
    .argument('<agent>')
    .argument('<host...>', 'host pattern: api.openai.com, *.example.com, db.example.com:8443')
    .option(
      '--paths <patterns>',
      'only these paths: * within a segment, ** across; repeatable (default: all)',
      collectList,
    )
    .option('--methods <methods>', 'only these methods; repeatable (default: all)', collectList)
    .option('--window <window>', "only then: 'mon-fri 09:00-17:00 Europe/Berlin'; repeatable", collectWindow)
    .option('--monitor', 'put the whole policy into monitor mode: what it would deny passes, and is recorded')
    .addHelpText('after', effect === 'allow' ? allowExamples : denyExamples);
  if (effect === 'allow') addAllowOptions(command);
  command.action(async (agent: string, hosts: string[], options: RuleOptions) => {
    const { paths = [], methods = [], secrets = [] } = options;
    const match = { hosts, paths, methods: methods.map((method) => method.toUpperCase()), secrets };
    const terms = termsOf(options);
    const added = { rule: { effect, match, terms }, isMonitored: options.monitor === true };
    const isChanged = await addRuleFor(openApi(context), agent, added, context.terminal);
    const rule = describeRule({ [effect]: { ...match, ...terms } });
    context.terminal.notice(isChanged ? `policy ${agent}: ${rule}` : `policy ${agent} says so already: ${rule}`);
  });
}

function addAllowOptions(command: Command): void {
  command
    .option('--secrets <names>', 'secrets that may be used there; repeatable', collectList)
    .option('--rate <rate>', 'at most so many requests in a time: 100/60s, 20/m; 1000/h:rule for all agents', parseRate)
    .option('--concurrent <count>', 'at most so many requests at once', parseCount(100_000))
    .option('--max-body <size>', 'request bodies up to this size: 64k, 10m', parseBytes)
    .option('--tunnel', 'pass the host through: not intercepted, and without credentials')
    .option('--http2', 'offer HTTP/2 to an agent that asks for it')
    .option('--plain-http', 'serve plain HTTP inside CONNECT')
    .option('--approval', 'only once a person has approved it, whatever other rules allow: see `onecli approval`');
}

function termsOf(options: RuleOptions): RuleTerms {
  const { window: windows, rate: rateLimit, concurrent: maxConcurrent, maxBody: maxBodyBytes } = options;
  const { tunnel, http2, plainHttp, approval } = options;
  const terms = { windows, rateLimit, maxConcurrent, maxBodyBytes, tunnel, http2, plainHttp, approval };
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

const allowExamples = `
Examples:
  onecli policy allow my-agent api.openai.com --paths '/v1/**' --secrets prod/openai
  onecli policy allow my-agent api.github.com --methods GET
  onecli policy allow my-agent pypi.org files.pythonhosted.org
  onecli policy allow my-agent api.stripe.com --rate 100/60s --concurrent 5 --window 'mon-fri 09:00-17:00 Europe/Berlin'
  onecli policy allow my-agent pinned.example.com --tunnel
  onecli policy allow my-agent api.stripe.com --methods POST --paths '/v1/refunds' --secrets prod/stripe --approval

Keeps one policy of the agent's own name. Silence means deny.`;

const denyExamples = `
Examples:
  onecli policy deny my-agent api.openai.com --paths '/v1/files/**'
  onecli policy deny my-agent '*.example.com'`;

/** Adds a rule to the policy that has the agent's own name. Gives whether anything changed. */
async function addRuleFor(
  api: ApiClient,
  agent: string,
  { rule, isMonitored }: { readonly rule: NewRule; readonly isMonitored: boolean },
  terminal: Terminal,
): Promise<boolean> {
  if ((await api.find(pathOf('agents', agent), agentSchema)) === undefined) {
    throw new CliError(`there is no agent "${agent}"`, { hint: `create it: onecli agent create ${agent}` });
  }
  const existing = await api.find(pathOf('policies', agent), policySchema);
  const { rules: standing, deleted } = await withoutDeletedSecrets(api, existing?.rules ?? []);
  const { rules, isChanged: isNewRule } = addRule(standing, rule);
  const mode = isMonitored ? 'monitor' : (existing?.mode ?? 'enforce');
  if (existing === undefined) {
    const body = { name: agent, agents: [agent], mode, rules };
    await writeRules(rules, () => api.call('POST', '/api/policies', z.unknown(), body));
    return true;
  }
  const isChanged = isNewRule || mode !== (existing.mode ?? 'enforce');
  if (existing.agents.length !== 1 || existing.agents[0] !== agent) {
    throw new CliError(
      `the policy "${agent}" is not for the agent "${agent}" alone, but for ${describeAgents(existing)}`,
      {
        hint: 'change it over the API (PUT /api/policies/{name}), or rename it',
      },
    );
  }
  if (isChanged || deleted.length > 0 || api.isWaiting) {
    const body = { agents: existing.agents, mode, rules };
    await writeRules(rules, () => api.call('PUT', pathOf('policies', agent), z.unknown(), body));
    for (const name of deleted) terminal.notice(`policy ${agent} no longer grants ${name}: that secret was deleted`);
  }
  return isChanged;
}

/** The API takes no rule that grants a secret which is gone, and such a grant would come back to life with the secret's name. */
async function withoutDeletedSecrets(api: ApiClient, rules: readonly PolicyRule[]) {
  if (grantedSecrets(rules).length === 0) return { rules, deleted: [] };
  const names = new Set((await api.list('/api/secrets', secretSchema)).map(({ name }) => name));
  return withoutDeleted(rules, (name) => names.has(name));
}

/** Runs a write of rules. A refusal names what the user typed, where the API names its place in the rules. */
async function writeRules(rules: readonly RuleInput[], write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ApiError) || error.field === undefined) throw error;
    const value = valueAt({ rules }, error.field);
    if (value === undefined) throw error;
    const isSecret = error.field.includes('.secrets[');
    throw new CliError(error.message.replace(error.field, `"${printable(value)}"`), {
      cause: error,
      ...(isSecret && {
        hint: isSecretName(value)
          ? `store it first: onecli secret put ${value} --host HOST; those that are there: onecli secret list`
          : 'a secret is named without onecli://, such as prod/openai; those that are there: onecli secret list',
      }),
    });
  }
}

function addMode(policy: Command, context: CommandContext): void {
  policy
    .command('mode')
    .description('keep to a policy (enforce), or only record what it would deny (monitor)')
    .argument('<name>')
    .addArgument(new Argument('<mode>').choices(['enforce', 'monitor']))
    .action(async (name: string, mode: string) => {
      const api = openApi(context);
      const { agents, rules } = await api.call('GET', pathOf('policies', name), policySchema);
      const body = { agents, mode, rules: rules.map(ruleInput) };
      await writeRules(body.rules, () => api.call('PUT', pathOf('policies', name), z.unknown(), body));
      context.terminal.notice(
        mode === 'monitor'
          ? `policy ${name} is in monitor mode: see what it would deny with \`onecli audit\`, reason MONITORED`
          : `policy ${name} is enforced`,
      );
    });
}

function addList(policy: Command, context: CommandContext): void {
  policy
    .command('list')
    .description('list policies and their rules')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const policies = await openApi(context).list('/api/policies', policySchema);
      if (options.json) return context.terminal.print(JSON.stringify(policies, null, 2));
      if (policies.length === 0) {
        return context.terminal.notice(
          'no policies yet, so every request is denied; add one: onecli policy allow my-agent api.openai.com',
        );
      }
      const rows = policies.flatMap((each) =>
        each.rules.map((rule, index) => [
          index === 0 ? `${each.name}${each.mode === 'monitor' ? ' (monitor)' : ''}` : '',
          index === 0 ? describeAgents(each) : '',
          describeRule(rule),
        ]),
      );
      for (const line of formatTable(['POLICY', 'AGENTS', 'RULES'], rows)) context.terminal.print(line);
    });
}

function describeAgents(policy: Policy): string {
  const each = policy.agents.map((selector) =>
    typeof selector === 'string'
      ? selector
      : `{${Object.entries(selector.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')}}`,
  );
  return each.join(', ') || 'nobody';
}
