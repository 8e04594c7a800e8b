/**
 * Names to addresses, in the order that a system has them: its hosts file, then DNS, asked directly because only there an
 * answer says how long it holds, then the system's own resolver, which knows search domains and whatever else is set up.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { open } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { parseIp, specialReason } from './special-ranges.ts';

/** One address of a name. `ttlSeconds` is there when DNS said it. */
export interface FoundAddress {
  readonly address: string;
  readonly family: number;
  readonly ttlSeconds?: number;
}

export interface NameLookupOptions {
  readonly hostsFile?: string;
  /** `address` or `address:port`; the system's when there are none. */
  readonly dnsServers?: readonly string[];
  readonly lookupAll?: (host: string) => Promise<readonly FoundAddress[]>;
}

/** A hosts file is read up to here. */
const maxHostsBytes = 1024 * 1024;
const dnsTimeoutMs = 2_000;
/** Answers that say that the name server is not there or has changed: it is looked for anew. */
const deafServer = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ENOTINITIALIZED', 'EDESTRUCTION']);

export class NameLookup {
  readonly #hostsFile: string;
  readonly #dnsServers: readonly string[];
  readonly #lookupAll: (host: string) => Promise<readonly FoundAddress[]>;
  #dns: Resolver;
  #hosts: { readonly stamp: string; readonly addresses: ReadonlyMap<string, readonly FoundAddress[]> } | undefined;

  constructor(options: NameLookupOptions = {}) {
    this.#hostsFile = options.hostsFile ?? '/etc/hosts';
    this.#dnsServers = options.dnsServers ?? [];
    this.#lookupAll = options.lookupAll ?? ((host) => lookup(host, { all: true, verbatim: true }));
    this.#dns = this.#newResolver();
  }

  /** All addresses of a canonical name. @throws the system's error (`code`: ENOTFOUND, EAI_AGAIN, …) when there is none. */
  async all(host: string): Promise<readonly FoundAddress[]> {
    const fixed = await this.#fromHosts(host);
    if (fixed !== undefined) return fixed;
    const found = isDnsName(host) ? await this.#fromDns(host) : [];
    return found.length > 0 ? found : this.#lookupAll(host);
  }

  async #fromDns(host: string): Promise<FoundAddress[]> {
    const dns = this.#dns;
    const [four, six] = await Promise.allSettled([
      dns.resolve4(host, { ttl: true }),
      dns.resolve6(host, { ttl: true }),
    ]);
    const isDeaf = [four, six].some(({ status, ...rest }) => status === 'rejected' && deafServer.has(codeOf(rest)));
    if (isDeaf && dns === this.#dns) this.#dns = this.#newResolver();
    const addresses = (settled: typeof four, family: 4 | 6): FoundAddress[] =>
      settled.status === 'fulfilled'
        ? settled.value.map(({ address, ttl }) => ({ address, family, ttlSeconds: ttl }))
        : [];
    const [fours, sixes] = [addresses(four, 4), addresses(six, 6)];
    return hasGlobalIpv6() ? [...sixes, ...fours] : [...fours, ...sixes];
  }

  #newResolver(): Resolver {
    const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: 2 });
    if (this.#dnsServers.length > 0) resolver.setServers(this.#dnsServers);
    return resolver;
  }

  async #fromHosts(host: string): Promise<readonly FoundAddress[] | undefined> {
    try {
      await using file = await open(this.#hostsFile);
      const { mtimeMs, size, ino } = await file.stat();
      const stamp = `${ino} ${size} ${mtimeMs}`;
      if (this.#hosts?.stamp !== stamp) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, maxHostsBytes)));
        this.#hosts = { stamp, addresses: parseHosts(buffer.subarray(0, bytesRead).toString('utf8')) };
      }
      return this.#hosts.addresses.get(host);
    } catch {
      // A system without a hosts file has no fixed names.
      return undefined;
    }
  }
}

/** `address name alias…`, comments after `#`; names without letter case. Lines that are none of it are passed over. */
function parseHosts(text: string): Map<string, FoundAddress[]> {
  const found = new Map<string, FoundAddress[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const ip = parseIp(address);
    if (!ip) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const addresses = found.get(key) ?? [];
      addresses.push({ address, family: ip.kind() === 'ipv4' ? 4 : 6 });
      found.set(key, addresses);
    }
  }
  return found;
}

/** Whether DNS is to be asked: not for a lone label, nor for what the system takes for an address (it ends in a number). */
function isDnsName(host: string): boolean {
  const last = host.split('.').at(-1) ?? '';
  return host.includes('.') && last !== 'local' && !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last);
}

/** Whether this machine has an address by which it can reach IPv6 hosts: only then theirs are tried first. */
function hasGlobalIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address, family }) => {
      const ip = family === 'IPv6' ? parseIp(address) : undefined;
      return ip !== undefined && specialReason(ip) === undefined;
    }),
  );
}

function codeOf(settled: object): string {
  const { reason } = settled as { reason?: NodeJS.ErrnoException };
  return reason?.code ?? '';
}
