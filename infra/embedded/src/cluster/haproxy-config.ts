/** HAProxy's configuration: the one that compose uses, with a line for each process that is behind it here. */
import { readFileSync } from 'node:fs';
import type { Member } from './topology.ts';

const shipped = new URL('../../../haproxy/haproxy.cfg', import.meta.url);

/** @returns infra/haproxy/haproxy.cfg with `server` lines for these members in place of `server-template` */
export function haproxyConfig(
  members: { readonly workers: readonly Member[]; readonly controlPlanes: readonly Member[] },
  template: string = readFileSync(shipped, 'utf8'),
): string {
  const text = withServers(withServers(template, 'worker', members.workers), 'control-plane', members.controlPlanes);
  // Nothing is looked up by name here.
  return text.replace(/^resolvers .*\n(?:^ .*\n)*/m, '');
}

function withServers(text: string, kind: string, members: readonly Member[]): string {
  const line = new RegExp(`^  server-template ${kind}- .*$`, 'm');
  const found = line.exec(text)?.[0];
  if (found === undefined) throw new Error(`the HAProxy configuration has no server-template of ${kind}`);
  const options = found.includes('send-proxy-v2') ? ' send-proxy-v2' : '';
  return text.replace(line, members.map(({ name, port }) => `  server ${name} 127.0.0.1:${port}${options}`).join('\n'));
}
