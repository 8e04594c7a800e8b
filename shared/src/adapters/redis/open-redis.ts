import { Cluster, type CommonRedisOptions, Redis, type RedisOptions } from 'ioredis';
import type { RedisSettings } from '../../redis-settings.ts';
import { guardParser } from './guard-parser.ts';

const connectTimeoutMs = 2_000;
const firstRetryMs = 50;
const maxRetryMs = 1_000;

export interface RedisUse {
  /** How the connection is called in Redis's list of clients. */
  readonly name: string;
  /** A connection that owes an answer and sends nothing for so long is dropped, and with it all that waited for it. */
  readonly silentMs: number;
  /** A Redis that sends more in a second is cut off: it must not fill this process's memory. */
  readonly maxBytesPerSecond: number;
}

/**
 * Opens Redis for commands, which fail at once while it is away: nothing is kept for later. It connects again by itself, and is nobody's
 * `error` event: what is wrong shows in the commands.
 */
export function openRedis(settings: RedisSettings, use: RedisUse): Redis | Cluster {
  if (settings.mode === 'cluster') return openCluster(settings, use);
  return listenedTo(new Redis({ ...commonOptions(settings, use), ...placeOf(settings, 0), retryStrategy }), use);
}

/**
 * One connection's life to one node: the only one, the sentinels' master, or, of several, the one whose turn it is. Not connected yet, and
 * not connected again.
 */
export function openNode(settings: RedisSettings, use: RedisUse, turn: number): Redis {
  const once = { retryStrategy: null, sentinelRetryStrategy: null, lazyConnect: true };
  // ioredis takes null for "never", which its types do not say.
  const options = { ...commonOptions(settings, use), ...placeOf(settings, turn), ...once } as unknown as RedisOptions;
  return listenedTo(new Redis(options), use);
}

function listenedTo(client: Redis, use: RedisUse): Redis {
  client.on('error', () => undefined);
  cutFloods(client, use.maxBytesPerSecond);
  return client;
}

function openCluster({ hosts, ...settings }: RedisSettings, use: RedisUse): Cluster {
  const cluster = new Cluster([...hosts], {
    redisOptions: commonOptions({ hosts, ...settings }, use),
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: connectTimeoutMs,
    // A certificate is for a name or an address as the cluster announces it: it is not looked up before that.
    ...(settings.isTls && { dnsLookup: (address, done) => done(null, address) }),
  });
  cluster.on('error', () => undefined);
  cluster.on('+node', (node: Redis) => cutFloods(node, use.maxBytesPerSecond));
  return cluster;
}

function commonOptions(settings: RedisSettings, use: RedisUse): CommonRedisOptions & Pick<RedisOptions, 'tls'> {
  guardParser();
  const { username, password, isTls, roots } = settings;
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isTls && { tls: roots === undefined ? {} : { ca: roots } }),
    connectionName: use.name,
    disableClientInfo: true,
    enableOfflineQueue: false,
    connectTimeout: connectTimeoutMs,
    socketTimeout: use.silentMs,
    keepAlive: 10_000,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A master that became a replica: the next connection asks the sentinels or the cluster for the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function placeOf(settings: RedisSettings, turn: number): RedisOptions {
  const { mode, hosts, database, isTls, roots, sentinelName, sentinelPassword } = settings;
  if (mode !== 'sentinel') return { ...hosts[turn % hosts.length], db: database };
  return {
    sentinels: [...hosts],
    name: sentinelName ?? '',
    db: database,
    sentinelRetryStrategy: retryStrategy,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: roots === undefined ? {} : { ca: roots } }),
  };
}

function retryStrategy(times: number): number {
  return Math.min(firstRetryMs * 2 ** Math.min(times, 10), maxRetryMs) * (0.75 + Math.random() / 2);
}

/** The parser keeps an answer until it is whole, however long Redis says it is: hence a bound on the bytes themselves. */
function cutFloods(client: Redis, maxBytesPerSecond: number): void {
  client.on('connect', () => {
    let second = 0;
    let bytes = 0;
    client.stream.on('data', (chunk: Buffer) => {
      const now = Math.floor(performance.now() / 1000);
      bytes = now === second ? bytes + chunk.length : chunk.length;
      second = now;
      if (bytes > maxBytesPerSecond) client.stream.destroy(new Error('Redis sent more than anybody asked it for'));
    });
  });
}
