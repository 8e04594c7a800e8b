import { scrubModes, surfaces, usualSurfaces } from '@onecli/shared/domain/binding';
import { isSecretName } from '@onecli/shared/domain/names';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ApiClient, ApiError } from '../api/api-client.ts';
import { pathOf, type Secret, secretSchema } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { collect, collectList } from '../parse-options.ts';
import { valueAt } from '../policy-rules.ts';
import { addSecretVersions, confirm, dependentsOf } from './secret-versions.ts';
import { readSecretValue } from '../read-secret-value.ts';
import { printable } from '../terminal.ts';
import { addSecretImport } from './secret-import.ts';

interface PutOptions {
  readonly host?: string[];
  readonly surface?: string[];
  readonly description?: string;
  readonly aliasPrefix?: string;
  readonly jsonPath?: string[];
  readonly allowCleartext?: true;
  readonly scrub?: string;
}

export function addSecret(program: Command, context: CommandContext): void {
  const secret = program.command('secret').description('store the keys that agents must not hold');
  addPut(secret, context);
  addSecretImport(secret, context);
  addSecretVersions(secret, context);
  secret
    .command('list')
    .description('list secrets; never their values')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const secrets = await openApi(context).list('/api/secrets', secretSchema);
      if (options.json) return context.terminal.print(JSON.stringify(secrets, null, 2));
      if (secrets.length === 0) {
        return context.terminal.notice(
          'no secrets yet; store one: onecli secret put prod/openai --host api.openai.com',
        );
      }
      for (const line of formatTable(['NAME', 'VERSION', 'HOSTS', 'SURFACES', 'DESCRIPTION'], secrets.map(row))) {
        context.terminal.print(line);
      }
    });
  secret
    .command('delete')
    .description('delete a secret and all its versions; one that is absent is no fault')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, options: { yes?: true }) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('secrets', name), secretSchema)) !== undefined;
      if (isThere) for (const line of await dependentsOf(api, name)) context.terminal.notice(line);
      if (isThere && !(await confirm(`Delete ${name} with all its versions?`, options.yes === true)))
        return context.terminal.notice('nothing was deleted');
      await api.call('DELETE', pathOf('secrets', name), z.unknown());
      context.terminal.notice(isThere ? `deleted ${name}` : `there is no secret "${name}": nothing to delete`);
    });
}

function addPut(secret: Command, context: CommandContext): void {
  secret
    .command('put')
    .description('store a secret, or a new version of it; the value comes from stdin or a hidden prompt')
    .argument('<name>', 'environment/name, such as prod/openai')
    .option('--host <pattern>', 'host that the secret may be sent to; repeatable', collectList)
    .option(
      '--surface <surface>',
      `where in a request: ${surfaces.join(', ')}; repeatable (default: ${usualSurfaces.join(', ')})`,
      collectList,
    )
    .option('--json-path <path>', 'where in JSON bodies: $.auth.key, $.items[*].token; repeatable', collect)
    .option('--alias-prefix <prefix>', 'make an alias that starts so, for tools that check the shape of a key: sk-')
    .option('--allow-cleartext', 'let it leave over http:// too, where anyone on the way can read it')
    .option('--scrub <mode>', `when the host echoes it back: ${scrubModes.join(', ')} (default: replace)`)
    .option('--description <text>')
    .addHelpText(
      'after',
      `
Examples:
  onecli secret put prod/openai --host api.openai.com
  printf %s "$KEY" | onecli secret put prod/stripe --host api.stripe.com --surface header,basic
  onecli secret put prod/telegram --host api.telegram.org --surface path --alias-prefix tg-
  onecli secret put prod/github --host api.github.com --host github.com < token.txt

One newline at the end of piped input is taken off. The value is never an argument: those are seen by every process.`,
    )
    .showHelpAfterError('The value is no argument: pipe it in, or type it when asked.')
    .action(async (name: string, options: PutOptions) => {
      if (!isSecretName(name)) {
        throw usageError(
          'a secret is named environment/name, in lower case, such as prod/openai',
          'letters and digits; also `-`, and after the slash `.` and `_`; at most 128 characters',
        );
      }
      const api = openApi(context);
      const existing = await api.find(pathOf('secrets', name), secretSchema);
      const body = putBody(options, existing);
      if (body['binding'] === undefined && (existing?.binding?.hosts ?? []).length === 0) {
        context.terminal.notice(`warning: without --host, ${name} is bound to no host and is never used`);
      }
      const value = await readSecretValue(name, context.terminal);
      const stored = await store(api, name, { ...body, value }, existing);
      const version = stored.version === null || stored.version === undefined ? '' : ` (version ${stored.version})`;
      const alias = typeof stored.alias === 'string' ? `, its alias ${stored.alias}` : '';
      context.terminal.notice(`stored ${name}${version}; its placeholder is onecli://${name}${alias}`);
    });
}

/** The fields of a write, but for the value: what was not given is left as it stands. */
export function putBody(options: PutOptions, existing: Secret | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (options.description !== undefined) body['description'] = options.description;
  if (options.aliasPrefix !== undefined) body['alias'] = { prefix: options.aliasPrefix };
  const { host, surface, jsonPath, allowCleartext, scrub } = options;
  const isBinding = [host, surface, jsonPath, allowCleartext, scrub].some((option) => option !== undefined);
  const hosts = host ?? (isBinding ? existing?.binding?.hosts : undefined);
  if (hosts !== undefined) {
    body['binding'] = {
      ...existing?.binding,
      hosts,
      surfaces: surface ?? existing?.binding?.surfaces ?? usualSurfaces,
      ...(jsonPath !== undefined && { jsonPaths: jsonPath }),
      ...(allowCleartext === true && { allowCleartext }),
      ...(scrub !== undefined && { scrub }),
    };
  }
  return body;
}

async function store(
  api: ApiClient,
  name: string,
  body: Record<string, unknown>,
  existing: Secret | undefined,
): Promise<Secret> {
  try {
    if (existing !== undefined) return await api.call('PUT', pathOf('secrets', name), secretSchema, body);
    return await api.call('POST', '/api/secrets', secretSchema, { name, ...body });
  } catch (error) {
    const host = error instanceof ApiError && error.field !== undefined ? valueAt(body, error.field) : undefined;
    if (!(error instanceof ApiError) || host === undefined || !error.field?.startsWith('binding.hosts')) throw error;
    throw usageError(
      error.message.replace(error.field, `--host "${printable(host)}"`),
      'for example --host api.openai.com',
    );
  }
}

function row(secret: Secret): string[] {
  return [
    secret.name,
    String(secret.version ?? ''),
    (secret.binding?.hosts ?? []).join(', ') || '(none: never used)',
    (secret.binding?.surfaces ?? []).join(', '),
    secret.description ?? '',
  ];
}
