/** What the texts of single settings mean. Each throws when its text means nothing. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { CidrMap, parseCidr } from '@onecli/shared/domain/cidr';
import { parseRange } from '@onecli/shared/netguard/parse-ranges';
import { parseRoots } from '@onecli/shared/netguard/upstream-context';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';
import type { ProxyProtocol } from './proxy/read-opening.ts';

/** Where a process of OneCLI listens. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

export function readRoots(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const pem = readFileSync(file, 'utf8');
  parseRoots(pem);
  return pem;
}

export function readClientRoots(file: string | undefined): string[] {
  return file === undefined ? [] : parseRoots(readFileSync(file, 'utf8'));
}

export function readTrustedProxies(text: string, protocol: ProxyProtocol): CidrMap<ProxyProtocol> {
  const map = new CidrMap<ProxyProtocol>();
  for (const entry of list(text)) {
    const parsed = parseCidr(entry);
    if (parsed.kind === 'invalid') throw new Error(parsed.problem);
    map.set(parsed.cidr, protocol);
  }
  return map;
}

export function readRanges(text: string): string[] {
  const ranges = list(text);
  if (ranges.some((range) => parseRange(range) === undefined)) throw new Error('not a CIDR');
  return ranges;
}

export function readListeners(text: string): Listener[] {
  return list(text).map((entry) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]+)$/.exec(entry);
    const address = match?.[1] ?? match?.[2] ?? '';
    const port = /^[1-9][0-9]{0,4}$/.test(match?.[3] ?? '') ? Number(match?.[3]) : 0;
    if (isIP(address) === 0 || port < 1 || port > 65_535) throw new Error('not an address and a port');
    return { address, port };
  });
}

export function readNames(text: string): ReadonlySet<string> {
  return new Set(
    list(text).map((entry) => {
      const name = parseAuthority(Buffer.from(entry).toString('latin1'), 443);
      if (name.kind === 'fault' || name.port !== 443) throw new Error('not a host name');
      return name.host;
    }),
  );
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
