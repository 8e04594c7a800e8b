import { closeSync, fstatSync, openSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { AgentTokens } from '../agent-tokens.ts';
import type { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';

export interface TokenOutletOptions {
  readonly tokensTo?: string;
  readonly printTokens?: true;
  readonly saveTokens?: true;
}

interface MadeToken {
  readonly agent: string;
  readonly token: string;
}

/** Where the tokens of new agents go. They are told once, so that it is made before anything is applied. */
export interface TokenOutlet {
  /** Hands the tokens out. */
  take(tokens: readonly MadeToken[]): void;
  /** There are no tokens to take: leaves no empty file behind, and touches no other that stands there by now. */
  abandon(): void;
}

/** @throws CliError when no place was named, or the file is there already or cannot be made */
export function openTokenOutlet(context: CommandContext, api: ApiClient, options: TokenOutletOptions): TokenOutlet {
  const { tokensTo, printTokens, saveTokens } = options;
  if (tokensTo === undefined && !printTokens && !saveTokens) {
    throw new CliError('new agents get tokens, which are told once: say where they go', {
      hint: '--tokens-to FILE (mode 0600), --print-tokens, or --save-tokens for `onecli run` on this machine',
    });
  }
  const file = tokensTo === undefined ? undefined : openPrivate(tokensTo);
  return {
    take(tokens) {
      const byAgent = Object.fromEntries(tokens.map(({ agent, token }) => [agent, token]));
      if (file !== undefined) {
        writeFileSync(file, `${JSON.stringify(byAgent, null, 2)}\n`);
        closeSync(file);
      }
      if (printTokens) for (const { agent, token } of tokens) context.terminal.print(`${agent} ${token}`);
      if (saveTokens) save(context, api, tokens);
    },
    abandon() {
      if (file === undefined || tokensTo === undefined) return;
      const { ino, size } = fstatSync(file);
      closeSync(file);
      if (size === 0 && statSync(tokensTo, { throwIfNoEntry: false })?.ino === ino) unlinkSync(tokensTo);
    },
  };
}

function openPrivate(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(isThere ? `${path} is there already` : `${path} cannot be made`, { cause });
  }
}

function save(context: CommandContext, api: ApiClient, tokens: readonly MadeToken[]): void {
  const store = new AgentTokens(context.environment);
  for (const { agent, token } of tokens) store.save(api.apiUrl, agent, { token, proxyUrl: api.proxyUrl });
  context.terminal.notice(`saved ${tokens.length} in ${store.path} for: onecli run --agent NAME -- <command>`);
}
