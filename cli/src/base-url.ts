import { usageError } from './cli-error.ts';
import type { Variables } from './environment.ts';

/**
 * What stands ahead of a host in base-URL mode, `http://127.0.0.1:10254/to/<agent>:<token>@`: for clients that honour no proxy
 * and can be told another base URL.
 */
export function baseUrlFor(proxyAddress: string, agent: string, token: string): string {
  const { protocol, hostname, port } = new URL(proxyAddress);
  const number = port || (protocol === 'https:' ? '443' : '80');
  return `${protocol}//${hostname}:${number}/to/${encodeURIComponent(agent)}:${encodeURIComponent(token)}@`;
}

/** Reads `VAR=host/path` into variable → its URL by `baseUrl`. Throws a usage error that names the faulty one. */
export function baseUrlVariables(assignments: readonly string[], baseUrl: string): Variables {
  const variables: Record<string, string> = {};
  for (const assignment of assignments) {
    const parts =
      /^([A-Za-z_][A-Za-z0-9_]*)=(?:https:\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^/?#@:\s\\]+)(?::\d+)?(?:\/[^?#\s\\]*)?)$/.exec(
        assignment,
      );
    const [, variable, place] = parts ?? [];
    if (variable === undefined || place === undefined || !URL.canParse(`https://${place}`)) {
      throw usageError(
        `--base-url ${assignment.split('=')[0]}: expected VAR=host or VAR=host/path`,
        'for example --base-url OPENAI_BASE_URL=api.openai.com/v1',
      );
    }
    variables[variable] = baseUrl + place;
  }
  return variables;
}
