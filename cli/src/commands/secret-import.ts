import { usualSurfaces } from '@onecli/shared/domain/binding';
import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { Command } from 'commander';
import { exportSchemas } from '../as-code/export-configuration.ts';
import { renderPlan } from '../as-code/render-plan.ts';
import { requestApply, requestPlan } from '../as-code/request-plan.ts';
import type { ApiClient } from '../api/api-client.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { type ChosenSecret, chooseSecrets } from '../dotenv/choose-secrets.ts';
import { readAssignments, unreadableVariables } from '../dotenv/dotenv-file.ts';
import { parseHosts, readDotenv } from '../dotenv/read-dotenv.ts';
import { collect, collectList } from '../parse-options.ts';

interface ImportOptions {
  readonly environment: string;
  readonly host?: string[];
  readonly skip?: string[];
  readonly dryRun?: true;
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
    .addHelpText(
      'after',
      `
Examples:
  onecli secret import .env --dry-run
  onecli secret import .env --environment staging --host ACME_KEY=api.acme.example
  onecli env rewrite .env                # then: placeholders in the place of what was stored

Well-known variables (OPENAI_API_KEY, GITHUB_TOKEN, …) are bound to their hosts. Others that are called like a secret are stored
unbound, and never used until \`onecli secret put NAME --host …\` binds them, unless --host names their hosts.`,
    )
    .action((file: string, options: ImportOptions) => importFile(context, file, options));
}

async function importFile(context: CommandContext, file: string, options: ImportOptions): Promise<void> {
  const { terminal } = context;
  const text = readDotenv(file);
  const { environment, skip = [] } = options;
  const { chosen, left } = chooseSecrets(readAssignments(text), {
    environment,
    skip,
    hosts: parseHosts(options.host ?? []),
  });
  for (const { variable, reason } of left) terminal.notice(`left ${variable}: ${reason}`);
  for (const variable of unreadableVariables(text))
    terminal.notice(`left ${variable}: programs may read its line in more than one way; write it plainly`);
  if (chosen.length === 0) return terminal.notice('there is nothing to store');
  const api = openApi(context);
  const secrets = await wantedSecrets(api, chosen, options.host !== undefined);
  const body = { body: { config: { secrets } }, place: () => '' };
  const plan = await requestPlan(api, body);
  for (const line of renderPlan(plan, 'plan', (colour, part) => terminal.paint(colour, part))) terminal.print(line);
  for (const { variable, name } of chosen) terminal.print(`${variable} → onecli://${name}`);
  for (const { name, binding } of secrets)
    if (binding === null) terminal.notice(`warning: ${name} is bound to no host and is never used; give --host`);
  if (options.dryRun || plan.planHash === null || plan.changes.every(({ action }) => action === 'NONE')) return;
  const { revision } = await requestApply(api, body, plan.planHash);
  terminal.notice(`stored in revision ${revision}`);
}

/** Each secret once; one that exists keeps all but its value, and the hosts that were named. */
async function wantedSecrets(api: ApiClient, chosen: readonly ChosenSecret[], areHostsNamed: boolean) {
  const existing = new Map(
    (await api.list('/api/secrets', exportSchemas.secrets, {}, Number.POSITIVE_INFINITY)).map((one) => [one.name, one]),
  );
  return [...new Map(chosen.map((one) => [one.name, one])).values()].map(
    ({ variable, name, value, hosts, surfaces }) => {
      const before = existing.get(name);
      const bound =
        hosts.length === 0
          ? null
          : { ...before?.binding, hosts, surfaces: surfaces ?? before?.binding?.['surfaces'] ?? usualSurfaces };
      const binding = areHostsNamed ? bound : (before?.binding ?? bound);
      const description = before?.description ?? `${variable} of a .env file`;
      const alias = typeof before?.alias === 'string' ? { prefix: splitAlias(before.alias).prefix } : null;
      return { name, value, description, binding, alias };
    },
  );
}
