import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ApiClient, ApiError } from '../api/api-client.ts';
import { pathOf, secretSchema } from '../api/api-types.ts';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { parseCount } from '../parse-options.ts';
import { readSecretValue } from '../read-secret-value.ts';

const versionsSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      version: z.number(),
      state: z.string(),
      fingerprint: z.string(),
      createdAt: z.string(),
      lastUsedAt: z.string().nullable(),
    }),
  ),
});
/** An older control plane does not tell. */
const hiddenSchema = z.number().default(0);
const dependentsSchema = z.looseObject({
  policies: z.array(z.string()),
  hiddenPolicyCount: hiddenSchema,
  routes: z.array(z.string()),
  hiddenRouteCount: hiddenSchema,
  agents: z.array(z.string()),
  agentCount: z.number(),
  hiddenAgentCount: hiddenSchema,
  lastUsedAt: z.string().nullable(),
});

interface GenerateOptions {
  readonly generate?: true;
  readonly length?: string;
  readonly alphabet?: string;
  readonly prefix?: string;
}

const name = ['<name>', 'environment/name, such as prod/openai'] as const;

/** What becomes of a secret after it was stored. */
export function addSecretVersions(secret: Command, context: CommandContext): void {
  secret
    .command('versions')
    .description('the versions of a secret, the newest first')
    .argument(...name)
    .option('--json', 'as JSON')
    .action(async (of: string, options: { json?: true }) => {
      const { items } = await openApi(context).call('GET', `${pathOf('secrets', of)}/versions`, versionsSchema);
      if (options.json) return context.terminal.print(JSON.stringify(items, null, 2));
      const rows = items.map((one) => [
        String(one.version),
        one.state,
        one.fingerprint,
        one.createdAt,
        one.lastUsedAt ?? '-',
      ]);
      for (const line of formatTable(['VERSION', 'STATE', 'FINGERPRINT', 'SET AT', 'LAST USED'], rows))
        context.terminal.print(line);
    });
  secret
    .command('rollback')
    .description('make an older version the current one')
    .argument(...name)
    .argument('<version>', 'its number', parseCount(999_999_999))
    .action(async (of: string, version: number) => {
      await openApi(context).call('POST', `${pathOf('secrets', of)}/rollback`, secretSchema, { version });
      context.terminal.notice(`version ${version} of ${of} is the current one`);
    });
  addEnds(secret, context);
  addValues(secret, context);
  addAlias(secret, context);
  addDependents(secret, context);
}

/** How its use ends: for good, for now, or at a time. */
function addEnds(secret: Command, context: CommandContext): void {
  secret
    .command('destroy')
    .description('destroy a version for good: its ciphertext is gone')
    .argument(...name)
    .argument('<version>', 'its number', parseCount(999_999_999))
    .action(async (of: string, version: number) => {
      await openApi(context).call('DELETE', `${pathOf('secrets', of)}/versions/${version}`, secretSchema);
      context.terminal.notice(`version ${version} of ${of} is destroyed`);
    });
  for (const [command, disabled] of [['disable', true] as const, ['enable', false] as const])
    secret
      .command(command)
      .description(disabled ? 'stop the use of a secret; nothing is deleted' : 'let a secret be used again')
      .argument(...name)
      .action(async (of: string) => {
        const api = openApi(context);
        if (disabled) for (const line of await dependentsIfShown(api, of)) context.terminal.notice(line);
        await api.call('PUT', pathOf('secrets', of), secretSchema, { disabled });
        context.terminal.notice(`${of} is ${command}d`);
      });
  secret
    .command('expire')
    .description('from when on a secret is not used any more: a time such as 2027-01-31T12:00:00Z, or never')
    .argument(...name)
    .argument('<time>')
    .action(async (of: string, time: string) => {
      const expiresAt = time === 'never' ? null : parseTime(time);
      await openApi(context).call('PUT', pathOf('secrets', of), secretSchema, { expiresAt });
      context.terminal.notice(expiresAt === null ? `${of} does not expire` : `${of} expires at ${expiresAt}`);
    });
  addLease(secret, context);
}

/** A time with its offset (RFC 3339), as the API takes it. */
function parseTime(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isTime) throw usageError('<time>: expected a time such as 2027-01-31T12:00:00Z, or never');
  return new Date(text).toISOString();
}

function addLease(secret: Command, context: CommandContext): void {
  secret
    .command('lease')
    .description('for how many seconds a worker that cannot reach the database uses a secret, or none: without end')
    .argument(...name)
    .argument('<seconds>')
    .action(async (of: string, seconds: string) => {
      if (!/^(?:none|[1-9][0-9]{0,8})$/.test(seconds)) throw usageError('<seconds>: expected a whole number, or none');
      const leaseSeconds = seconds === 'none' ? null : Number(seconds);
      await openApi(context).call('PUT', pathOf('secrets', of), secretSchema, { leaseSeconds });
      context.terminal.notice(leaseSeconds === null ? `${of} has no lease` : `${of} has a lease of ${seconds} s`);
    });
}

function addValues(secret: Command, context: CommandContext): void {
  const generator = (command: Command): Command =>
    command
      .option('--length <number>', 'characters of a generated value, 40 when absent')
      .option('--alphabet <name>', 'alphanumeric, hex, digits, base32, base64url or symbols')
      .option('--prefix <text>', 'what a generated value starts with');
  generator(
    secret
      .command('rotate')
      .description('give a secret a new value, from stdin or a hidden prompt, or a random one')
      .argument('<name>')
      .option('--generate', 'a random value, which nobody is shown'),
  ).action(async (of: string, options: GenerateOptions) => {
    const { generate, length, alphabet, prefix } = options;
    if (!generate && [length, alphabet, prefix].some((option) => option !== undefined))
      throw usageError('--length, --alphabet and --prefix go with --generate');
    const source = options.generate
      ? { generate: generateOf(options) }
      : { value: await readSecretValue(of, context.terminal, 'rotate') };
    const { version } = await openApi(context).call('PUT', pathOf('secrets', of), secretSchema, source);
    context.terminal.notice(`${of} is at version ${version}`);
  });
  generator(
    secret
      .command('generate')
      .description('store a new secret with a random value, which nobody is shown')
      .argument('<name>')
      .option('--host <pattern...>', 'host that the secret may be sent to'),
  ).action(async (of: string, options: GenerateOptions & { host?: string[] }) => {
    const binding = options.host && { hosts: options.host };
    const body = { name: of, generate: generateOf(options), ...(binding && { binding }) };
    await openApi(context)
      .call('POST', '/api/secrets', secretSchema, body)
      .catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.code !== 'NAME_TAKEN') throw error;
        throw new CliError(`there is a secret "${of}" already`, {
          cause: error,
          hint: `for a new random value: onecli secret rotate ${of} --generate`,
        });
      });
    context.terminal.notice(`stored ${of}; its placeholder is onecli://${of}`);
  });
}

function addAlias(secret: Command, context: CommandContext): void {
  const alias = secret.command('alias').description('the alias of a secret');
  alias
    .command('rotate')
    .description('give a secret another alias')
    .argument('<name>')
    .option('--prefix <prefix>', 'what it starts with; as before when absent')
    .option('--grace <seconds>', 'how long the alias before still works; it dies at once when absent')
    .action(async (of: string, options: { prefix?: string; grace?: string }) => {
      const body = {
        ...(options.prefix !== undefined && { prefix: options.prefix }),
        ...(options.grace !== undefined && { graceSeconds: Number(options.grace) }),
      };
      const written = await openApi(context).call('POST', `${pathOf('secrets', of)}/alias`, secretSchema, body);
      context.terminal.print(written.alias ?? '');
    });
}

function addDependents(secret: Command, context: CommandContext): void {
  secret
    .command('dependents')
    .description('what would be different without a secret')
    .argument('<name>')
    .action(async (of: string) => {
      for (const line of await dependentsOf(openApi(context), of)) context.terminal.print(line);
    });
}

/** What depends on a secret, in lines for a person. */
export async function dependentsOf(api: ApiClient, name: string): Promise<string[]> {
  const of = await api.call('GET', `${pathOf('secrets', name)}/dependents`, dependentsSchema);
  return [
    `policies that grant it: ${list(of.policies, 0, of.hiddenPolicyCount)}`,
    `routes that inject it:  ${list(of.routes, 0, of.hiddenRouteCount)}`,
    `agents that may use it: ${list(of.agents, of.agentCount - of.agents.length, of.hiddenAgentCount)}`,
    `last used:              ${of.lastUsedAt ?? 'never'}`,
  ];
}

function list(names: readonly string[], more: number, hidden: number): string {
  const unnamed = [...(more > 0 ? [`${more} more`] : []), ...(hidden > 0 ? [`${hidden} that you may not see`] : [])];
  return [...names, ...unnamed].join(', ') || 'none';
}

/** As `dependentsOf`. Who may stop the use of a secret and not read it is not kept from that. */
async function dependentsIfShown(api: ApiClient, name: string): Promise<string[]> {
  return dependentsOf(api, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return [`who depends on it: ${error.message}`];
    throw error;
  });
}

/** Asks whether to go on, where somebody can answer; a script has to say it by --yes. */
export async function confirm(question: string, isSure: boolean): Promise<boolean> {
  if (isSure || !process.stdin.isTTY) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

function generateOf({ length, alphabet, prefix }: GenerateOptions): Record<string, unknown> {
  if (length !== undefined && !/^[0-9]{1,4}$/.test(length))
    throw usageError('--length is a whole number of characters');
  return {
    ...(length !== undefined && { length: Number(length) }),
    ...(alphabet !== undefined && { alphabet }),
    ...(prefix !== undefined && { prefix }),
  };
}
