/** The worker's configuration, read from the environment once. Faults are named together, by variable, never by value. */
import { readFileSync } from 'node:fs';
import type { CidrMap } from '@onecli/shared/domain/cidr';
import { resolve } from 'node:path';
import { settingsFromFiles } from '@onecli/shared/settings-from-files';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { readRedisSettings, type RedisSettings } from '@onecli/shared/redis-settings';
import { type CollectorSettings, collectorSettings } from '@onecli/shared/telemetry/collector-settings';
import { type ConnectTo, parseConnectTo } from '@onecli/shared/netguard/connect-to';
import type { AuditMode } from './audit/audit-mode.ts';
import { type Limits, toLimits } from './proxy/limits.ts';
import type { ProxyProtocol } from './proxy/read-opening.ts';
import {
  type Listener,
  readClientRoots,
  readListeners,
  readNames,
  readRanges,
  readRoots,
  readTrustedProxies,
} from './read-settings.ts';
import { type Variables, workerEnvironment } from './worker-environment.ts';

export interface WorkerConfig {
  readonly databaseUrl: string;
  /** Redis for the bus, the audit queue and limits across workers, if there is one. */
  readonly redis: RedisSettings | undefined;
  readonly masterKey: MasterKey;
  readonly port: number;
  readonly bind: string;
  readonly takesListener: boolean;
  readonly name: string;
  readonly upstreamRootsPem: string | undefined;
  /** PEM, one each. */
  readonly clientRoots: readonly string[];
  readonly trustedProxies: CidrMap<ProxyProtocol>;
  readonly allowRanges: readonly string[];
  readonly connectTo: ConnectTo;
  /** This worker's own and those that it was told of: agents may not reach any of them. */
  readonly ownListeners: readonly Listener[];
  /** What agents call this gateway in base URLs, canonical, besides localhost and IP addresses. */
  readonly gatewayNames: ReadonlySet<string>;
  /** Hosts that policy refuses are refused inside the tunnel, not at CONNECT. */
  readonly isRefusingInsideTunnel: boolean;
  /** How long requests under way get to finish when the worker stops. */
  readonly drainMs: number;
  /** How long it goes on accepting before that, so that load balancers see that it is not ready. */
  readonly drainWaitMs: number;
  /** Where the configuration is kept for a restart without the database; undefined: nowhere. */
  readonly snapshotFile: { readonly path: string; readonly maxAgeMs: number } | undefined;
  /** Absolute: where the audit trail lies until it is written in the database. */
  readonly spoolFolder: string;
  readonly auditMode: AuditMode;
  readonly limits: Limits;
  /** Undefined: no collector. */
  readonly telemetry: CollectorSettings | undefined;
  /** Whether agents' trace context goes on to upstreams. */
  readonly isTraceContextForwarded: boolean;
  readonly logLevel: string;
}

export type ReadConfig =
  | { readonly kind: 'config'; readonly config: WorkerConfig }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the whole environment; gives every fault there is. */
export function readConfig(given: Environment = process.env): ReadConfig {
  const faults: string[] = [];
  const environment = settingsFromFiles(given, faults);
  const data = readVariables(environment, faults);
  const places = readPlaces(data, faults);
  const addresses = readAddresses(data, faults);
  if (!places || !addresses || faults.length > 0) return { kind: 'faults', faults };
  // Without a fault there is every variable.
  return { kind: 'config', config: toConfig(data as Variables, { ...places, ...addresses }) };
}

/** What lies in files or elsewhere. */
function readPlaces(data: Partial<Variables>, faults: string[]) {
  const attempt = attempting(faults);
  const masterKey = attempt('ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE', 'one of them, holding 64 hex digits', () =>
    readMasterKey(data.ONECLI_MASTER_KEY, data.ONECLI_MASTER_KEY_FILE),
  );
  const upstreamRootsPem = attempt('ONECLI_UPSTREAM_CA_FILE', 'a readable PEM file of certificates', () =>
    readRoots(data.ONECLI_UPSTREAM_CA_FILE),
  );
  const clientRoots = attempt('ONECLI_CLIENT_CA_FILE', 'a readable PEM file of certificates', () =>
    readClientRoots(data.ONECLI_CLIENT_CA_FILE),
  );
  const redis = readRedisSettings(data);
  if (redis.kind === 'faults') faults.push(...redis.faults);
  if (!masterKey || !clientRoots || redis.kind === 'faults') return undefined;
  return { masterKey, upstreamRootsPem, clientRoots, redis: redis.settings };
}

function readAddresses(data: Partial<Variables>, faults: string[]) {
  const attempt = attempting(faults);
  const allowRanges = attempt('ONECLI_ALLOW_RANGES', 'CIDRs, comma-separated, like 10.1.0.0/16', () =>
    readRanges(data.ONECLI_ALLOW_RANGES ?? ''),
  );
  const otherListeners = attempt('ONECLI_OWN_LISTENERS', 'address:port, comma-separated', () =>
    readListeners(data.ONECLI_OWN_LISTENERS ?? ''),
  );
  const gatewayNames = attempt('ONECLI_GATEWAY_NAMES', 'host names, comma-separated, without scheme and port', () =>
    readNames(data.ONECLI_GATEWAY_NAMES ?? ''),
  );
  const trustedProxies = attempt('ONECLI_TRUSTED_PROXIES', 'CIDRs, comma-separated, like 10.1.0.0/24', () =>
    readTrustedProxies(data.ONECLI_TRUSTED_PROXIES ?? '', data.ONECLI_PROXY_PROTOCOL ?? 'optional'),
  );
  const connectTo = parseConnectTo(data.ONECLI_CONNECT_TO ?? '');
  if (connectTo.kind === 'faults') faults.push(...connectTo.faults.map((fault) => `ONECLI_CONNECT_TO: ${fault}`));
  if (!allowRanges || !otherListeners || !gatewayNames || !trustedProxies || connectTo.kind === 'faults')
    return undefined;
  return { allowRanges, otherListeners, gatewayNames, trustedProxies, connectTo: connectTo.connectTo };
}

function attempting(faults: string[]) {
  return <T>(name: string, expected: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      faults.push(`${name}: expected ${expected}`);
      return undefined;
    }
  };
}

interface Parts
  extends Pick<
    WorkerConfig,
    | 'redis'
    | 'masterKey'
    | 'upstreamRootsPem'
    | 'clientRoots'
    | 'trustedProxies'
    | 'allowRanges'
    | 'gatewayNames'
    | 'connectTo'
  > {
  readonly otherListeners: readonly Listener[];
}

function toConfig(data: Variables, { otherListeners, ...parts }: Parts): WorkerConfig {
  const own = { address: data.ONECLI_BIND, port: data.ONECLI_PROXY_PORT };
  return {
    ...parts,
    databaseUrl: data.DATABASE_URL,
    port: data.ONECLI_PROXY_PORT,
    bind: data.ONECLI_BIND,
    takesListener: data.ONECLI_LISTENER === 'ipc',
    name: data.ONECLI_WORKER_NAME,
    ownListeners: [own, ...otherListeners.filter((other) => !isSameListener(own, other))],
    isRefusingInsideTunnel: data.ONECLI_REFUSE_INSIDE_TUNNEL === 'on',
    drainMs: data.ONECLI_DRAIN_MS,
    drainWaitMs: data.ONECLI_DRAIN_WAIT_MS,
    snapshotFile: keptFile(data),
    spoolFolder: resolve(data.ONECLI_SPOOL_DIR ?? './data/spool'),
    auditMode: data.ONECLI_AUDIT_MODE,
    limits: toLimits(data),
    telemetry: collectorSettings(data),
    isTraceContextForwarded: data.ONECLI_FORWARD_TRACE_CONTEXT === 'on',
    logLevel: data.ONECLI_LOG_LEVEL,
  };
}

function keptFile({ ONECLI_SNAPSHOT_FILE: path, ONECLI_SNAPSHOT_MAX_HOURS: hours }: Variables) {
  return path === undefined ? undefined : { path, maxAgeMs: hours * 3_600_000 };
}

/** Each variable by itself, so that one that is malformed hides no fault of another; that one is left out. */
function readVariables(environment: Environment, faults: string[]): Partial<Variables> {
  const found = Object.entries(workerEnvironment.shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(environment[name] === '' ? undefined : environment[name]);
    if (parsed.success) return [[name, parsed.data]];
    faults.push(`${name}: expected ${schema.description ?? 'another value'}`);
    return [];
  });
  return Object.fromEntries(found) as Partial<Variables>;
}

function readMasterKey(key: string | undefined, file: string | undefined): MasterKey {
  if ((key === undefined) === (file === undefined)) throw new Error('exactly one of the two');
  return MasterKey.fromHex((key ?? readFileSync(file ?? '', 'utf8')).trim());
}

function isSameListener(one: Listener, other: Listener): boolean {
  return one.address === other.address && one.port === other.port;
}
