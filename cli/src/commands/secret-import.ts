import { usualSurfaces } from '@onecli/shared/domain/binding';
import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { Command } from 'commander';
import type { z } from 'zod';
import { ask } from '../as-code/ask.ts';
import { exportSchemas } from '../as-code/export-configuration.ts';
import { isChange, type PlanAnswer } from '../as-code/plan-answer.ts';
import { renderPlan } from '../as-code/render-plan.ts';
import { requestApply, requestPlan, requireAllowed } from '../as-code/request-plan.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { type ChosenSecret, chooseSecrets, isCalledLikeSecret } from '../dotenv/choose-secrets.ts';
import { readDotenvText } from '../dotenv/dotenv-file.ts';
import { remainderNotices, unreadNotices } from '../dotenv/left-in-file.ts';
import { parseHosts, readDotenv } from '../dotenv/read-dotenv.ts';
import { collect, collectList } from '../parse-options.ts';

interface ImportOptions {
  readonly environment: string;
  readonly host?: string[];
  readonly skip?: string[];
  readonly dryRun?: true;
  readonly yes?: true;
}

export function addSecretImport(secret: Command, context: CommandContext): void {
  secret
    .command('import')
    .description('store the keys of a .env file, all of them or none')
    .argument('<file>', '.env file')
    .option('--environment <name>', 'environment of the secrets', 'prod')
    .option('--host <VARIABLE=hosts>', 'where the key of a variable may be sent; repeatable', collect)
    .option('--skip <variables>', 'leave these alone; repeatable', collectList)
    .option('--dry-run', 'show what would be stored; changes nothing')
    .option('-y, --yes', 'do not ask when more than the value of a secret that exists changes')
    .addHelpText(
      'after',
      `
Examples:
  onecli secret import .env --dry-run
  onecli secret import .env --environment staging --host ACME_KEY=api.acme.example
  onecli env rewrite .env                # then: placeholders in the place of what was stored

Well-known variables (OPENAI_API_KEY, GITHUB_TOKEN, …) are bound to their hosts. Others that are called like a secret are stored
unbound, and never used until \`onecli secret put NAME --host …\` binds them, unless --host names their hosts.
A secret that exists keeps all but its value; \`--host\` changes the hosts of its own variable's secret alone, and asks first.
A line that shells and libraries may read in more than one way is left and named.`,
    )
    .action((file: string, options: ImportOptions) => importFile(context, file, options));
}

async function importFile(context: CommandContext, path: string, options: ImportOptions): Promise<void> {
  const { terminal } = context;
  const file = readDotenvText(readDotenv(path));
  const { environment, skip = [] } = options;
  const hosts = parseHosts(options.host ?? []);
  for (const notice of unreadNotices(file)) terminal.notice(notice);
  const { chosen, left } = chooseSecrets(file.assignments, { environment, skip, hosts });
  for (const { variable, reason } of left) terminal.notice(`left ${variable}: ${reason}`);
  const isSecret = (variable: string) => hosts.has(variable) || isCalledLikeSecret(variable);
  for (const notice of remainderNotices(file, isSecret)) terminal.notice(notice);
  if (chosen.length === 0) return terminal.notice('there is nothing to store');
  const api = openApi(context);
  const existing = await api.list('/api/secrets', exportSchemas.secrets, {}, Number.POSITIVE_INFINITY);
  const secrets = wantedSecrets(existing, chosen);
  const body = { body: { config: { secrets } }, place: placeIn(secrets) };
  const plan = await requestPlan(api, body);
  for (const line of renderPlan(plan, 'plan', (colour, part) => terminal.paint(colour, part))) terminal.print(line);
  for (const { variable, name } of chosen) terminal.print(`${variable} → onecli://${name}`);
  for (const { name, binding } of secrets)
    if (binding === null) terminal.notice(`warning: ${name} is bound to no host and is never used; give --host`);
  if (options.dryRun) return;
  requireAllowed(plan, 'stored');
  if (plan.planHash === null || (!isChange(plan) && !api.isWaiting)) return;
  await confirmChanges(plan, options.yes === true);
  const { revision } = await requestApply(api, body, plan);
  if (isChange(plan)) terminal.notice(`stored in revision ${revision}`);
}

/** Asks when more than the value of a secret that exists would change. */
async function confirmChanges({ changes }: PlanAnswer, isSure: boolean): Promise<void> {
  const changed = changes.filter(
    ({ action, fields }) => action === 'UPDATE' && fields.some(({ field }) => field !== 'value'),
  );
  if (isSure || changed.length === 0) return;
  const names = changed.map(({ name }) => name).join(', ');
  if (!process.stdin.isTTY)
    throw new CliError(`nothing was stored: more than the value of ${names} would change, and there is nobody to ask`, {
      hint: 'see above what changes, then give --yes',
    });
  if (!(await ask(`Change more than the value of ${names}?`))) throw new CliError('nothing was stored');
}

/** The secret that a fault of the API is about. */
function placeIn(secrets: readonly { readonly name: string }[]): (field: string) => string {
  return (field) => secrets[Number(/^secrets\[(\d+)\]/.exec(field)?.[1])]?.name ?? '';
}

type Existing = z.infer<typeof exportSchemas.secrets>;

/** Each secret once; one that exists keeps all but its value, and the hosts that were named of its variable. */
export function wantedSecrets(existing: readonly Existing[], chosen: readonly ChosenSecret[]) {
  const names = [...new Set(chosen.map(({ name }) => name))];
  return names.map((name) => {
    const [first, ...others] = chosen.filter((one) => one.name === name) as [ChosenSecret, ...ChosenSecret[]];
    const named = [first, ...others].filter(({ areHostsNamed }) => areHostsNamed).flatMap(({ hosts }) => hosts);
    const { value } = first;
    const before = existing.find((one) => one.name === name);
    if (before === undefined) {
      const binding = bindingOf(first, named.length > 0 ? named : first.hosts);
      return { name, value, description: `${first.variable} of a .env file`, binding, alias: null };
    }
    const { description, leaseSeconds = null } = before;
    const alias = before.alias === null ? null : { prefix: splitAlias(before.alias).prefix };
    const binding =
      named.length > 0 ? { ...bindingOf(first, named), ...before.binding, hosts: [...new Set(named)] } : before.binding;
    return { name, value, description, binding, alias, leaseSeconds };
  });
}

function bindingOf({ surfaces }: ChosenSecret, hosts: readonly string[]): Record<string, unknown> | null {
  return hosts.length === 0 ? null : { hosts: [...new Set(hosts)], surfaces: surfaces ?? usualSurfaces };
}
