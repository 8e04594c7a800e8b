import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { readsProxyVariables } from './doctor/check-variables.ts';
import type { Variables } from './environment.ts';

const timeoutMs = 2_000;

/**
 * What to tell the user before `command` runs, when it is a Node whose fetch does not read HTTPS_PROXY: its requests would go past
 * the gateway and fail far from the cause. Undefined for any other command.
 */
export function warnOfNode(command: string, environment: Variables): string | undefined {
  if (!/^node(\.exe)?$/.test(basename(command))) return undefined;
  const { stdout } = spawnSync(command, ['--version'], { env: environment, timeout: timeoutMs, encoding: 'utf8' });
  // No answer: running the command will tell why.
  const version = /^v\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0];
  if (version === undefined || readsProxyVariables(version)) return undefined;
  return `the fetch of Node ${version} does not read HTTPS_PROXY, so its requests go past the gateway; use Node 24, or give the HTTP client a proxy agent`;
}
