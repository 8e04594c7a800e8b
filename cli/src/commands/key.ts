import type { Command } from 'commander';
import { z } from 'zod';
import { pathOf } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { collectList } from '../parse-options.ts';
import { collectRole, formatRoles, type RoleAssignment } from '../role-option.ts';

const keySchema = z.looseObject({
  name: z.string(),
  owner: z.string().nullable(),
  prefix: z.string(),
  roles: z.array(z.looseObject({ role: z.string(), environments: z.array(z.string()) })).nullable(),
  actions: z.array(z.string()).nullable(),
  environments: z.array(z.string()).nullable(),
  expiresAt: z.string().nullable(),
  usedAt: z.string().nullable(),
  isHeld: z.boolean().optional(),
});
type Key = z.infer<typeof keySchema>;

interface CreateOptions {
  readonly role?: RoleAssignment[];
  readonly action?: string[];
  readonly environment?: string[];
  readonly days?: string;
}

export function addKey(program: Command, context: CommandContext): void {
  const key = program.command('key').description('API keys: what programs use in place of a password (ONECLI_API_KEY)');
  addCreate(key, context);
  key
    .command('list')
    .description('list your API keys')
    .option('--all', 'everybody’s')
    .option('--json', 'as JSON')
    .action(async (options: { all?: true; json?: true }) => {
      const query = options.all ? { all: 'true' } : {};
      const keys = await openApi(context).list('/api/api-keys', keySchema, query);
      if (options.json) return context.terminal.print(JSON.stringify(keys, null, 2));
      const heading = ['NAME', 'OWNER', 'BEGINS', 'ROLES', 'ACTIONS', 'ENVIRONMENTS', 'EXPIRES', 'USED'];
      for (const line of formatTable(heading, keys.map(row))) context.terminal.print(line);
    });
  key
    .command('revoke')
    .description('end an API key at once; one that is absent is no fault')
    .argument('<name>')
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('api-keys', name), keySchema)) !== undefined;
      await api.call('DELETE', pathOf('api-keys', name), z.unknown());
      context.terminal.notice(isThere ? `revoked ${name}` : `there is no API key "${name}": nothing to revoke`);
    });
}

function addCreate(key: Command, context: CommandContext): void {
  key
    .command('create')
    .description('make an API key and print it, once; it can never do more than you')
    .argument('<name>')
    .option('--role <role>', 'role, or role@environment,…; repeatable (default: the roles that you have)', collectRole)
    .option(
      '--action <action>',
      'what it may do at most, such as secret:rotate; repeatable (default: all)',
      collectList,
    )
    .option('--environment <name>', 'where at most; repeatable (default: everywhere)', collectList)
    .option('--days <number>', 'how long it lives; never: until it is revoked (default: 90)')
    .addHelpText(
      'after',
      `
Examples:
  export ONECLI_API_KEY=$(onecli key create ci --action secret:read,secret:rotate --environment staging)
  onecli key create backup --role auditor --days never`,
    )
    .action(async (name: string, options: CreateOptions) => {
      const { role, action, environment, days } = options;
      const body = {
        name,
        ...(role && { roles: role }),
        ...(action && { actions: action }),
        ...(environment && { environments: environment }),
        ...(days !== undefined && { expiresInDays: daysOf(days) }),
      };
      const schema = keySchema.extend({ token: z.string().min(1) });
      const { token, expiresAt } = await openApi(context).call('POST', '/api/api-keys', schema, body);
      context.terminal.print(token);
      context.terminal.notice(
        `it is shown this once; it ${expiresAt === null ? 'never expires' : `expires ${expiresAt}`}`,
      );
    });
}

function daysOf(text: string): number | null {
  if (text === 'never') return null;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw usageError('--days has to be a whole number, or never');
}

function row({ name, owner, prefix, roles, actions, environments, expiresAt, usedAt, isHeld }: Key): string[] {
  return [
    name,
    owner ?? '(this machine)',
    `${prefix}…`,
    roles === null ? '(owner’s)' : formatRoles(roles),
    actions?.join(' ') ?? 'all',
    environments?.join(' ') ?? 'all',
    expiresAt ?? 'never',
    isHeld ? '(held)' : (usedAt ?? 'never'),
  ];
}
