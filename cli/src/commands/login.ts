import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { z } from 'zod';
import { loginUrl } from '../api/admin-access.ts';
import { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, warnOfCleartext } from '../command-context.ts';
import { readHidden } from '../read-secret-value.ts';
import { SavedLogin } from '../saved-login.ts';

const loginSchema = z.looseObject({ user: z.string(), token: z.string().min(1), expiresAt: z.string() });

export function addLogin(program: Command, context: CommandContext): void {
  program
    .command('login')
    .description('sign in with a password; the session is kept for this user of this machine')
    .option('--user <name>', 'who (default: ONECLI_ADMIN_USER, else your name on this machine)')
    .addHelpText(
      'after',
      `
Examples:
  onecli login --user alice
  onecli --api-url https://onecli.example.com login --user alice

The password is asked for, or piped in. Programs use an API key instead: ONECLI_API_KEY, made by \`onecli key create\`.`,
    )
    .action(async (options: { user?: string }) => {
      const user = options.user ?? context.environment.adminUser ?? userInfo().username;
      const api = anonymous(context);
      const [password] = await readHidden([`Password of ${user}`]);
      const { token, expiresAt } = await api.call('POST', '/api/login', loginSchema, { user, password, token: true });
      const saved = new SavedLogin(context.environment);
      saved.save({ apiUrl: api.apiUrl, user, token });
      context.terminal.notice(
        `signed in as ${user} at ${api.apiUrl}, until ${expiresAt} if unused; kept in ${saved.path}`,
      );
    });
  program
    .command('logout')
    .description('end the session that `onecli login` keeps')
    .action(async () => {
      const saved = new SavedLogin(context.environment);
      const login = saved.read();
      if (login === undefined) return context.terminal.notice('nobody is signed in');
      const { apiUrl, token, user } = login;
      const access = { apiUrl, authorization: `Bearer ${token}`, proxyUrl: undefined, source: saved.path };
      // The session ends here first: a gateway that is away must not keep it on this machine.
      saved.forget();
      await new ApiClient(access).call('POST', '/api/logout', z.unknown()).catch((cause: unknown) => {
        throw new CliError(`signed out here, but ${apiUrl} did not hear of it`, {
          cause,
          hint: 'the session there ends by itself; an admin can end it now',
        });
      });
      context.terminal.notice(`signed out ${user}`);
    });
}

/** A client without credentials, for what needs none. */
export function anonymous(context: CommandContext): ApiClient {
  const apiUrl = loginUrl(context.environment, context.apiUrlOption());
  warnOfCleartext(context, apiUrl);
  return new ApiClient({ apiUrl, authorization: '', proxyUrl: undefined, source: 'what was given' });
}
