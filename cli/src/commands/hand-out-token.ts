import { AgentTokens } from '../agent-tokens.ts';
import type { ApiClient } from '../api/api-client.ts';
import type { CommandContext } from '../command-context.ts';

export interface TokenOptions {
  /** Keep it for `onecli run` on this machine. */
  readonly save: boolean;
}

/** The token goes to stdout before anything else can fail: it cannot be asked for again. */
export function handOut(
  context: CommandContext,
  api: ApiClient,
  name: string,
  token: string,
  options: TokenOptions,
): void {
  context.terminal.print(token);
  if (!options.save) return;
  const tokens = new AgentTokens(context.environment);
  try {
    tokens.save(api.apiUrl, name, { token, proxyUrl: api.proxyUrl });
    context.terminal.notice(`saved in ${tokens.path} for: onecli run --agent ${name} -- <command>`);
  } catch (error) {
    // The agent has its token: what was asked for is done.
    const reason = error instanceof Error ? error.message : String(error);
    context.terminal.notice(`warning: the token was not saved for \`onecli run\`; keep it (${reason})`);
  }
}
