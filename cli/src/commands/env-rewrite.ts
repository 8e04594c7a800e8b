import { rmSync, writeFileSync } from 'node:fs';
import { placeholderFor } from '@onecli/shared/domain/placeholder';
import type { Command } from 'commander';
import { exportSchemas } from '../as-code/export-configuration.ts';
import { requestPlan } from '../as-code/request-plan.ts';
import type { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { type ChosenSecret, chooseSecrets, isCalledLikeSecret } from '../dotenv/choose-secrets.ts';
import { linesWith, type NamedLine, readDotenvText, withValues } from '../dotenv/dotenv-file.ts';
import { remainderNotices, unreadNotices } from '../dotenv/left-in-file.ts';
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

A key is replaced only where the gateway holds that very value, so that none is lost. Comments, order, quotes and the file's mode stay.
A line that shells and libraries may read in more than one way is left and named. Exit code 1: keys are still in the file.`,
    )
    .action((path: string, options: RewriteOptions) => rewrite(context, path, options));
}

async function rewrite(context: CommandContext, path: string, options: RewriteOptions): Promise<void> {
  const { terminal } = context;
  const text = readDotenv(path);
  const file = readDotenvText(text);
  const { environment, skip = [], only = [] } = options;
  for (const notice of unreadNotices(file)) terminal.notice(notice);
  const hosts = new Map(only.map((variable) => [variable, []]));
  const { chosen, left } = chooseSecrets(file.assignments, { environment, skip, hosts });
  for (const { variable, reason } of left) terminal.notice(`left ${variable}: ${reason}`);
  const placeholders = chosen.length === 0 ? new Map<string, string>() : await storedOf(openApi(context), chosen);
  const lost = chosen.filter(({ variable }) => !placeholders.has(variable));
  for (const { variable, name } of lost)
    terminal.notice(`left ${variable}: the gateway does not hold its value as ${name}`);
  if (placeholders.size > 0) write(context, { path, text, options, chosen, placeholders });
  else terminal.notice('there is nothing to replace');
  const isSecret = (variable: string) =>
    !skip.includes(variable) && (hosts.has(variable) || isCalledLikeSecret(variable));
  for (const notice of remainderNotices(file, isSecret)) terminal.notice(notice);
  const unread = file.unread.filter(({ variable }) => variable !== undefined && isSecret(variable));
  requireNoneLeft({ path, environment, chosen, lost, unread });
}

/** Whoever runs this in a script learns by the exit code that keys are still in the file. */
function requireNoneLeft(found: {
  readonly path: string;
  readonly environment: string;
  readonly chosen: readonly ChosenSecret[];
  readonly lost: readonly ChosenSecret[];
  readonly unread: readonly NamedLine[];
}): void {
  const { path, environment, chosen, lost, unread } = found;
  const left = lost.length + unread.length;
  if (left === 0) return;
  const store = `store them: onecli secret import ${path} --environment ${environment}`;
  throw new CliError(`${left} of ${chosen.length + unread.length} keys are still in ${path}`, {
    hint: lost.length > 0 ? store : 'write the lines named above plainly, store their keys, and run this again',
  });
}

interface Rewriting {
  readonly path: string;
  readonly text: string;
  readonly options: RewriteOptions;
  readonly chosen: readonly ChosenSecret[];
  readonly placeholders: ReadonlyMap<string, string>;
}

function write({ terminal }: CommandContext, { path, text, options, chosen, placeholders }: Rewriting): void {
  const rewritten = withValues(text, placeholders);
  if (!options.dryRun) {
    if (options.backup !== undefined) writePrivately(options.backup, text);
    try {
      replaceFile(path, { from: text, to: rewritten });
    } catch (error) {
      if (options.backup !== undefined) rmSync(options.backup, { force: true });
      throw error;
    }
  }
  for (const [variable, placeholder] of placeholders) terminal.print(`${variable}=${placeholder}`);
  for (const { variable, value } of chosen) {
    const lines = placeholders.has(variable) ? linesWith(rewritten, value) : [];
    if (lines.length > 0)
      terminal.notice(`warning: the key of ${variable} still stands elsewhere in ${path}, line ${lines.join(', ')}`);
  }
}

function writePrivately(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'is there already' : 'cannot be made';
    throw new CliError(`${path} ${reason}, so that nothing was replaced`, { cause });
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
