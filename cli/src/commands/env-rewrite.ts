import { chmodSync, constants, copyFileSync } from 'node:fs';
import { placeholderFor } from '@onecli/shared/domain/placeholder';
import type { Command } from 'commander';
import { exportSchemas } from '../as-code/export-configuration.ts';
import { requestPlan } from '../as-code/request-plan.ts';
import type { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { type ChosenSecret, chooseSecrets } from '../dotenv/choose-secrets.ts';
import { linesWith, readAssignments, unreadableVariables, withValues } from '../dotenv/dotenv-file.ts';
import { readDotenv } from '../dotenv/read-dotenv.ts';
import { replaceFile } from '../dotenv/replace-file.ts';
import { collectList } from '../parse-options.ts';

interface RewriteOptions {
  readonly environment: string;
  readonly only?: string[];
  readonly skip?: string[];
  readonly backup?: string;
  readonly dryRun?: true;
}

export function addEnvRewrite(env: Command, context: CommandContext): void {
  env
    .command('rewrite')
    .description('put placeholders in the place of the keys in a .env file, where the gateway has those very keys')
    .argument('<file>', '.env file')
    .option('--environment <name>', 'environment of the secrets', 'prod')
    .option('--only <variables>', 'variables that are keys whatever they are called; repeatable', collectList)
    .option('--skip <variables>', 'leave these alone; repeatable', collectList)
    .option('--backup <file>', 'first copy the file there; the copy holds the real keys')
    .option('--dry-run', 'show what would be replaced; changes nothing')
    .addHelpText(
      'after',
      `
Examples:
  onecli secret import .env && onecli env rewrite .env
  onecli env rewrite .env.staging --environment staging --dry-run

A key is replaced only where the gateway holds that very value, so that none is lost. Comments, order, quotes and the file's mode stay.`,
    )
    .action((file: string, options: RewriteOptions) => rewrite(context, file, options));
}

async function rewrite(context: CommandContext, file: string, options: RewriteOptions): Promise<void> {
  const { terminal } = context;
  const text = readDotenv(file);
  const { environment, skip = [], only = [] } = options;
  const hosts = new Map(only.map((variable) => [variable, []]));
  const { chosen, left } = chooseSecrets(readAssignments(text), { environment, skip, hosts });
  for (const { variable, reason } of left) terminal.notice(`left ${variable}: ${reason}`);
  const unreadable = unreadableVariables(text);
  for (const variable of unreadable) terminal.notice(`left ${variable}: its line can be read in more than one way`);
  const placeholders = chosen.length === 0 ? new Map<string, string>() : await storedOf(openApi(context), chosen);
  const lost = chosen.filter(({ variable }) => !placeholders.has(variable));
  for (const { variable, name } of lost)
    terminal.notice(`left ${variable}: the gateway does not hold its value as ${name}`);
  if (placeholders.size > 0) write(context, { file, text, options, chosen, placeholders });
  else terminal.notice('there is nothing to replace');
  if (lost.length > 0)
    throw new CliError(`${lost.length} of ${chosen.length} keys are still in ${file}`, {
      hint: `store them: onecli secret import ${file} --environment ${environment}`,
    });
}

interface Rewriting {
  readonly file: string;
  readonly text: string;
  readonly options: RewriteOptions;
  readonly chosen: readonly ChosenSecret[];
  readonly placeholders: ReadonlyMap<string, string>;
}

function write({ terminal }: CommandContext, { file, text, options, chosen, placeholders }: Rewriting): void {
  const rewritten = withValues(text, placeholders);
  if (!options.dryRun) {
    if (options.backup !== undefined) copyPrivately(file, options.backup);
    replaceFile(file, rewritten);
  }
  for (const [variable, placeholder] of placeholders) terminal.print(`${variable}=${placeholder}`);
  for (const { variable, value } of chosen) {
    const lines = placeholders.has(variable) ? linesWith(rewritten, value) : [];
    if (lines.length > 0)
      terminal.notice(`warning: the key of ${variable} still stands elsewhere in ${file}, line ${lines.join(', ')}`);
  }
}

function copyPrivately(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    chmodSync(to, 0o600);
  } catch (cause) {
    throw new CliError(`${to} cannot be made, so that nothing was replaced`, { cause });
  }
}

/** The placeholders of the variables whose very value the gateway holds: variable → placeholder, or the alias if there is one. */
async function storedOf(api: ApiClient, chosen: readonly ChosenSecret[]): Promise<Map<string, string>> {
  const views = await api.list('/api/secrets', exportSchemas.secrets, {}, Number.POSITIVE_INFINITY);
  const aliases = new Map(views.map(({ name, alias }) => [name, alias]));
  const known = [...new Map(chosen.filter(({ name }) => aliases.has(name)).map((one) => [one.name, one])).values()];
  if (known.length === 0) return new Map();
  const config = { secrets: known.map(({ name, value }) => ({ name, value })) };
  const { changes } = await requestPlan(api, { body: { config }, place: () => '' });
  const isSame = (name: string) =>
    changes.some((change) => change.name === name && !change.fields.some(({ field }) => field === 'value'));
  return new Map(
    chosen
      .filter(({ name }) => aliases.has(name) && isSame(name))
      .map(({ variable, name }) => [variable, aliases.get(name) ?? placeholderFor(name)]),
  );
}
