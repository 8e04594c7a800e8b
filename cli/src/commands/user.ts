import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../api/api-client.ts';
import { pathOf } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { readHidden } from '../read-secret-value.ts';
import { collectRole, formatRoles, type RoleAssignment } from '../role-option.ts';
import { printable } from '../terminal.ts';
import { anonymous } from './login.ts';

const rolesSchema = z.array(z.looseObject({ role: z.string(), environments: z.array(z.string()) }));
const userSchema = z.looseObject({
  name: z.string(),
  roles: rolesSchema,
  state: z.string(),
  isHeld: z.boolean().optional(),
  signedInAt: z.string().nullish(),
});
const linkSchema = z.looseObject({ token: z.string().min(1), expiresAt: z.string() });
const roleText = 'owner, admin, operator, auditor or agent-manager; role@environment,… limits it; repeatable';

export function addUser(program: Command, context: CommandContext): void {
  const user = program.command('user').description('the people who may call the API');
  addInvite(user, context);
  addList(user, context);
  addChanges(user, context);
  addPasswords(user, context);
}

function addInvite(user: Command, context: CommandContext): void {
  user
    .command('invite')
    .description('make a user, and print the one-time token by which he sets his password')
    .argument('<name>')
    .requiredOption('--role <role>', roleText, collectRole)
    .addHelpText(
      'after',
      `
Examples:
  onecli user invite alice --role admin
  onecli user invite bob --role operator@staging --role auditor`,
    )
    .action(async (name: string, options: { role: RoleAssignment[] }) => {
      const body = { name, roles: options.role };
      tellLink(context, name, await openApi(context).call('POST', '/api/users', linkSchema, body));
    });
  user
    .command('reset')
    .description('take a user’s password away, end his sessions, and print a token by which he sets another')
    .argument('<name>')
    .action(async (name: string) => {
      tellLink(context, name, await openApi(context).call('POST', `${pathOf('users', name)}/reset`, linkSchema));
    });
}

function tellLink(context: CommandContext, name: string, { token, expiresAt }: z.infer<typeof linkSchema>): void {
  context.terminal.print(token);
  context.terminal.notice(`give it to ${name}, who sets a password with it before ${expiresAt}: onecli user accept`);
}

function addList(user: Command, context: CommandContext): void {
  user
    .command('list')
    .description('list users')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const users = await openApi(context).list('/api/users', userSchema);
      if (options.json) return context.terminal.print(JSON.stringify(users, null, 2));
      const rows = users.map(({ name, state, isHeld, roles, signedInAt }) => [
        name,
        isHeld ? `${state} (held)` : state,
        formatRoles(roles),
        signedInAt ?? '-',
      ]);
      for (const line of formatTable(['NAME', 'STATE', 'ROLES', 'SIGNED IN'], rows)) context.terminal.print(line);
    });
}

function addChanges(user: Command, context: CommandContext): void {
  for (const verb of ['disable', 'enable'] as const) {
    user
      .command(verb)
      .description(
        verb === 'disable' ? 'keep a user out; sessions and API keys are dead' : 'let a disabled user in again',
      )
      .argument('<name>')
      .action(async (name: string) => {
        await change(openApi(context), name, { disabled: verb === 'disable' });
        context.terminal.notice(`${verb}d ${name}`);
      });
  }
  user
    .command('role')
    .description('give a user these roles in place of those that he has')
    .argument('<name>')
    .requiredOption('--role <role>', roleText, collectRole)
    .action(async (name: string, options: { role: RoleAssignment[] }) => {
      const { roles } = await change(openApi(context), name, { roles: options.role });
      context.terminal.notice(`${name} has ${formatRoles(roles)}`);
    });
  user
    .command('delete')
    .description('delete a user with his sessions and API keys; one that is absent is no fault')
    .argument('<name>')
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('users', name), userSchema)) !== undefined;
      await api.call('DELETE', pathOf('users', name), z.unknown());
      context.terminal.notice(isThere ? `deleted ${name}` : `there is no user "${name}": nothing to delete`);
    });
}

function change(api: ApiClient, name: string, body: object): Promise<z.infer<typeof userSchema>> {
  return api.call('PUT', pathOf('users', name), userSchema, body);
}

function addPasswords(user: Command, context: CommandContext): void {
  user
    .command('accept')
    .description('set your password with the one-time token that you were given')
    .action(async () => {
      const [token, password] = await readHidden(['Token', 'New password']);
      const body = { token, password };
      const { user: name } = await anonymous(context).call(
        'POST',
        '/api/password',
        z.looseObject({ user: z.string() }),
        body,
      );
      context.terminal.notice(`${printable(name)} has a password; sign in: onecli login --user ${printable(name)}`);
    });
  user
    .command('password')
    .description('change your own password; all your sessions end')
    .action(async () => {
      if (context.environment.apiKey !== undefined)
        throw usageError('an API key has no password to change', 'unset ONECLI_API_KEY and sign in: onecli login');
      const [currentPassword, password] = await readHidden(['Current password', 'New password']);
      await openApi(context).call('PUT', '/api/me/password', z.unknown(), { currentPassword, password });
      context.terminal.notice('changed; sign in again: onecli login');
    });
}
