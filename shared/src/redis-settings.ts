/** Where Redis is, read from the variables that both planes have for it. Faults are named by variable, never by value. */
import { readFileSync } from 'node:fs';
import { parseRoots } from './netguard/upstream-context.ts';

const redisModes = ['single', 'sentinel', 'cluster'] as const;
type RedisMode = (typeof redisModes)[number];

/** What each variable means; an empty one counts as not set. Without REDIS_URL there is no Redis. */
export const redisVariables = {
  REDIS_URL: 'redis://user:password@host:port/database or rediss://, several hosts comma-separated',
  REDIS_MODE: `one of ${redisModes.join(', ')}`,
  REDIS_SENTINEL_NAME: 'the name by which the sentinels know the master',
  REDIS_SENTINEL_PASSWORD: 'the password of the sentinels',
  REDIS_CA_FILE: 'a PEM file of the authorities that Redis has its certificate from',
} as const;
type RedisVariable = keyof typeof redisVariables;

interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** Plain values alone: they are given to a thread as they are. Holds passwords: never to be logged. */
export interface RedisSettings {
  readonly mode: RedisMode;
  /** Of Redis itself, of the sentinels, or of some nodes of the cluster. */
  readonly hosts: readonly RedisHost[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
  /** PEM; without it the authorities that Node.js knows. */
  readonly roots: string | undefined;
  readonly sentinelName: string | undefined;
  readonly sentinelPassword: string | undefined;
}

type ReadRedisSettings =
  | { readonly kind: 'settings'; readonly settings: RedisSettings | undefined }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

type Given = Readonly<Partial<Record<RedisVariable, string | undefined>>>;

/** Reads what says where Redis is; `settings` is undefined when REDIS_URL is not set. Gives every fault there is. */
export function readRedisSettings(given: Given): ReadRedisSettings {
  const others = (['REDIS_MODE', 'REDIS_SENTINEL_NAME', 'REDIS_SENTINEL_PASSWORD', 'REDIS_CA_FILE'] as const).filter(
    (name) => given[name],
  );
  if (!given.REDIS_URL) {
    const faults = others.map((name) => `${name}: is set without REDIS_URL`);
    return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'settings', settings: undefined };
  }
  const faults: string[] = [];
  const mode = redisModes.find((known) => known === (given.REDIS_MODE || 'single'));
  if (!mode) faults.push(`REDIS_MODE: expected ${redisVariables.REDIS_MODE}`);
  const address = parseAddress(given.REDIS_URL, mode ?? 'single');
  if (!address) faults.push(`REDIS_URL: expected ${redisVariables.REDIS_URL}`);
  faults.push(...faultsOfMode(given, mode, address));
  const roots = readRoots(given.REDIS_CA_FILE, faults);
  if (!mode || !address || faults.length > 0) return { kind: 'faults', faults };
  return {
    kind: 'settings',
    settings: {
      mode,
      ...address,
      roots,
      sentinelName: given.REDIS_SENTINEL_NAME || undefined,
      sentinelPassword: given.REDIS_SENTINEL_PASSWORD || undefined,
    },
  };
}

type Address = Pick<RedisSettings, 'hosts' | 'username' | 'password' | 'database' | 'isTls'>;

function faultsOfMode(given: Given, mode: RedisMode | undefined, address: Address | undefined): string[] {
  const faults: string[] = [];
  if (mode === 'sentinel' && !given.REDIS_SENTINEL_NAME)
    faults.push(`REDIS_SENTINEL_NAME: expected ${redisVariables.REDIS_SENTINEL_NAME}, with REDIS_MODE=sentinel`);
  if (mode && mode !== 'sentinel')
    for (const name of ['REDIS_SENTINEL_NAME', 'REDIS_SENTINEL_PASSWORD'] as const)
      if (given[name]) faults.push(`${name}: is for REDIS_MODE=sentinel alone`);
  if (mode === 'single' && address && address.hosts.length > 1)
    faults.push('REDIS_URL: several hosts need REDIS_MODE=sentinel or REDIS_MODE=cluster');
  if (mode === 'cluster' && address && address.database !== 0)
    faults.push('REDIS_URL: a cluster has no databases but 0');
  if (given.REDIS_CA_FILE && address && !address.isTls) faults.push('REDIS_CA_FILE: is for rediss:// alone');
  return faults;
}

/** Not by `URL`, which knows one host. */
function parseAddress(text: string, mode: RedisMode): Address | undefined {
  const match = /^redis(s?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([0-9]{0,5}))?$/.exec(text);
  if (!match) return undefined;
  const [, tls = '', username = '', password = '', hostList = '', database = ''] = match;
  const hosts = hostList.split(',').map((host) => parseHost(host.trim(), mode === 'sentinel' ? 26_379 : 6379));
  const user = decode(username);
  const secret = decode(password);
  if (user === undefined || secret === undefined || !hosts.every((host) => host !== undefined)) return undefined;
  return {
    hosts,
    username: user || undefined,
    password: secret || undefined,
    database: Number(database),
    isTls: tls === 's',
  };
}

function parseHost(text: string, defaultPort: number): RedisHost | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function readRoots(file: string | undefined, faults: string[]): string | undefined {
  if (!file) return undefined;
  try {
    const pem = readFileSync(file, 'utf8');
    parseRoots(pem);
    return pem;
  } catch {
    faults.push('REDIS_CA_FILE: expected a readable PEM file of certificates');
    return undefined;
  }
}
