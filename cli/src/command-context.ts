import type { AppliedWait } from './applied-wait.ts';
import { type AdminAccess, findAdminAccess, requireAdminAccess } from './api/admin-access.ts';
import { ApiClient } from './api/api-client.ts';
import type { SavedToken } from './agent-tokens.ts';
import type { Environment } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** The value of the global option --api-url. */
  readonly apiUrlOption: () => string | undefined;
  /** What the command's writes wait for. */
  readonly wait: AppliedWait;
}

/** A client with admin access; throws, with what to do, when there is none. */
export function openApi(context: CommandContext): ApiClient {
  const access = requireAdminAccess(context.environment, context.apiUrlOption());
  warnOfCleartext(context, access.apiUrl);
  return new ApiClient(access, context.wait);
}

/** Warns when what is sent to the API can be read on the way. */
export function warnOfCleartext(context: CommandContext, apiUrl: string): void {
  const { protocol, hostname } = new URL(apiUrl);
  if (protocol !== 'http:' || /^(localhost|127\..*|\[::1\])$/.test(hostname)) return;
  context.terminal.notice(`warning: ${apiUrl} is not https: credentials and secrets cross the network in the clear`);
}

/** Admin access, or undefined where there is none. */
export function findAccess(context: CommandContext): AdminAccess | undefined {
  return findAdminAccess(context.environment, context.apiUrlOption());
}

/**
 * The address of the proxy: an option, the environment, what a running gateway on this machine wrote, the proxy that the agent's
 * token was made for, else the default.
 */
export function proxyAddress(
  context: CommandContext,
  option: string | undefined,
  access: AdminAccess | undefined,
  saved?: SavedToken,
): string {
  return option ?? context.environment.proxyUrl ?? access?.proxyUrl ?? saved?.proxyUrl ?? 'http://127.0.0.1:10254';
}
