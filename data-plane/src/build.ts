/** Wires a worker by hand. The only place that knows which adapters stand behind the ports. */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { ThreadedAuditQueue } from '@onecli/shared/adapters/queue/threaded-audit-queue';
import { pickAuditQueueStore, pickConfigBus, pickSharedCounts } from '@onecli/shared/adapters/pick-adapters';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import type { SharedCounts } from '@onecli/shared/ports/shared-counts';
import { openInstanceKeys } from '@onecli/shared/vault/instance-keys';
import { verifyKeyCheck } from '@onecli/shared/vault/key-check';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { productVersion } from '@onecli/shared/version';
import type { Logger } from 'pino';
import { type Audit, openAudit } from './audit/build-audit.ts';
import type { WorkerConfig } from './config.ts';
import { SecretOpener } from './credentials/open-secret.ts';
import { AgentTunnels } from './load/agent-tunnels.ts';
import { FairTurns } from './load/fair-turns.ts';
import { HeldBytes } from './load/held-bytes.ts';
import { LoadMeter } from './load/load-meter.ts';
import { MemoryPressure } from './load/memory-pressure.ts';
import { MintBudget } from './load/mint-budget.ts';
import { Metrics } from './health/metrics.ts';
import { UpstreamSessions } from './http2/upstream-sessions.ts';
import { fetchText } from './identity/fetch-text.ts';
import { buildJwtVerifier } from './identity/build-jwt-verifier.ts';
import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { PolicyLimits } from './policy/policy-limits.ts';
import type { DataPlane } from './proxy/data-plane.ts';
import { DeadlineClock } from './proxy/deadline.ts';
import type { DialOptions } from './proxy/dial.ts';
import type { Limits } from './proxy/limits.ts';
import { OpenConnections } from './proxy/open-connections.ts';
import { UpstreamPool } from './proxy/upstream-pool.ts';
import { openers } from './snapshot/openers.ts';
import { EpochGuard } from './snapshot/epoch-guard.ts';
import { FollowedConfiguration } from './snapshot/follow-configuration.ts';
import type { KeptConfiguration } from './snapshot/kept-records.ts';
import type { LastKnownGood } from './snapshot/last-known-good.ts';
import { openInstance } from './snapshot/open-instance.ts';
import { Heartbeat } from './snapshot/heartbeat.ts';
import { WorkerKeys } from './snapshot/worker-keys.ts';
import { AuthoritiesInForce } from './tls/authorities-in-force.ts';
import { RepeatedHeads } from './wire/repeated-heads.ts';
import { ProxyPortTls } from './tls/proxy-port-tls.ts';
import { SharedTicketKeys } from './tls/ticket-keys.ts';
import { UpstreamTls } from './tls/upstream-tls.ts';

/** The master key is not this instance's: nothing can be opened, and going on would only hide it. */
export class WrongMasterKey extends Error {}

export interface Worker {
  readonly plane: DataPlane;
  /** Follows the configuration and reports until `signal` aborts. */
  follow(signal: AbortSignal): Promise<void>;
  /** Gives the last audit events to the queue and ends every connection to the stores. */
  close(): Promise<void>;
}

/** Builds a worker. Waits for the store to have an instance; throws WrongMasterKey when the key is not its key. */
export async function buildWorker(config: WorkerConfig, log: Logger, signal: AbortSignal): Promise<Worker> {
  const stores = await openStores(config, log, signal);
  const { plane, audit } = wire(config, stores, log);
  const { bus, queue, source, keys, keeping, bootId } = stores;
  const report = { name: config.name, bootId, version: productVersion, startedAtMs: Date.now() };
  const { metrics, connections } = plane;
  const meter = new LoadMeter({
    requests: () => metrics.requestCount,
    connections: () => connections.count,
    spoolBytes: () => audit.trail.spoolBytes,
  });
  const heartbeat = new Heartbeat(source, log, () => ({
    ...report,
    appliedRevision: plane.configuration.settledRevision,
    terms: keys.keyring.terms,
    isMasterKeyCurrent: keys.isMasterKeyCurrent,
    authorities: plane.authority.ids,
    load: meter.measure(),
  }));
  return {
    plane,
    follow: async (stop) => {
      await plane.configuration.start(stop, heartbeat);
      // Not before: it would take the time of a core from the loading of the configuration.
      queue.start();
      audit.recover();
      heartbeat.start(stop);
    },
    close: async () => {
      plane.pool.close();
      plane.sessions.close();
      await heartbeat.stop();
      await audit.close(5000);
      plane.clock.close();
      plane.connections.close();
      plane.pressure.close();
      const closing = [bus, queue, source, stores.sharedCounts, keeping].map(async (each) => each?.close());
      await Promise.allSettled(closing);
    },
  };
}

interface Stores {
  readonly source: PostgresSnapshotSource;
  readonly bus: ConfigBus;
  readonly queue: ThreadedAuditQueue;
  readonly sharedCounts: SharedCounts | undefined;
  readonly keys: WorkerKeys;
  readonly kept: KeptConfiguration | undefined;
  readonly isStoreAway: boolean;
  readonly keeping: LastKnownGood | undefined;
  readonly tokenPepper: Buffer;
  readonly epochKey: Buffer;
  readonly instanceId: string;
  readonly macKey: Buffer;
  readonly spoolKey: Buffer;
  readonly rowKey: Buffer;
  readonly ticketKeys: SharedTicketKeys;
  readonly bootId: string;
}

async function openStores(
  { databaseUrl: connectionString, redis, masterKey, snapshotFile }: WorkerConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<Stores> {
  const source = new PostgresSnapshotSource({ connectionString });
  const opened = await openInstance(source, snapshotFile && { ...snapshotFile, master: masterKey, log }, log, signal);
  const { instance, kept, keeping } = opened;
  if (!verifyKeyCheck(masterKey, instance.id, instance.keys.keyCheck)) {
    throw new WrongMasterKey('the master key is not the one of this instance');
  }
  const ground = { connectionString, redis, instanceId: instance.id };
  const lasting = openInstanceKeys(masterKey, instance.id, instance.instanceKeys);
  return {
    source,
    bus: await pickConfigBus(ground, lasting['bus-mac']),
    queue: new ThreadedAuditQueue({ store: pickAuditQueueStore(ground), key: lasting['audit-queue'] }),
    sharedCounts: await pickSharedCounts(ground, lasting['bus-mac']),
    // Rows that were kept are sealed under the terms of then: those of now are taken up with the next reading.
    keys: new WorkerKeys(masterKey, kept?.instance ?? instance, log),
    kept,
    isStoreAway: !opened.isFromStore,
    keeping,
    tokenPepper: lasting['token-pepper'],
    epochKey: lasting.epoch,
    instanceId: instance.id,
    macKey: lasting['audit-mac'],
    spoolKey: lasting['audit-spool'],
    rowKey: lasting['row-mac'],
    ticketKeys: new SharedTicketKeys(lasting['tls-tickets']),
    bootId: randomBytes(16).toString('hex'),
  };
}

/** The configuration as this worker follows it. */
function followStore(
  stores: Stores,
  authority: AuthoritiesInForce,
  connections: OpenConnections,
  log: Logger,
): FollowedConfiguration {
  const { source, bus, keys, kept, keeping, epochKey } = stores;
  const { keyring } = keys;
  return new FollowedConfiguration({
    source,
    bus,
    keys,
    kept,
    isStoreAway: stores.isStoreAway,
    keeping,
    epochs: new EpochGuard(epochKey, keyring.instanceId),
    log,
    lookEveryMs: 1000,
    ...openers(keyring, stores.rowKey, log),
    prepare: (snapshot) => authority.use(snapshot),
    // What another revision revokes has ended, and does not come back with a restart, before it is reported as applied.
    onApplied: async (applied) => void (await Promise.all([connections.lookAgain(applied), keeping?.settled()])),
  });
}

function wire(config: WorkerConfig, stores: Stores, log: Logger): { plane: DataPlane; audit: Audit } {
  const { keyring } = stores.keys;
  const { limits } = config;
  const clock = new DeadlineClock();
  const { authority, proxyPortTls } = certificates(config, keyring, stores.ticketKeys, log);
  const connections = openConnections(limits, log);
  const configuration = followStore(stores, authority, connections, log);
  const dialling = dialOptions(config, configuration);
  const pools = upstreamPools(dialling, limits, clock);
  const metrics: Metrics = new Metrics({
    revision: () => configuration.current?.revision ?? 0,
    pooled: () => pools.pool.idleCount + pools.sessions.idleCount,
    auditPending: () => trail.pendingCount,
  });
  const audit = openAudit(config, stores, metrics, log);
  const { trail } = audit;
  const opener = new SecretOpener(keyring);
  const followed = { configuration, connections, log };
  const plane: DataPlane = {
    ...followed,
    opener,
    tokenPepper: stores.tokenPepper,
    jwts: buildJwtVerifier({ fetchText: (url, cancelled) => fetchText(url, dialling, cancelled), ...followed }),
    proxyPortTls,
    trustedProxies: config.trustedProxies,
    policyLimits: new PolicyLimits(stores.sharedCounts),
    dialling,
    ...pools,
    trail,
    metrics,
    clock,
    heads: new RepeatedHeads(),
    limits,
    authority,
    gatewayNames: config.gatewayNames,
    ...bounds(limits, connections),
    isDraining: false,
    closing: closingSource(),
    underway: 0,
  };
  return { plane, audit };
}

function openConnections(limits: Limits, log: Logger): OpenConnections {
  const onError = (error: unknown): void =>
    log.error({ err: error }, 'a connection that could not be looked at again was ended');
  return new OpenConnections({ ...limits, onError });
}

type Bounds = Pick<DataPlane, 'tunnels' | 'mints' | 'heldBodies' | 'turns' | 'pressure'>;

function bounds(limits: Limits, connections: OpenConnections): Bounds {
  return {
    pressure: new MemoryPressure({ maxBytes: limits.maxMemoryBytes, connectionCount: () => connections.count }),
    tunnels: new AgentTunnels(limits.maxTunnelsPerAgent),
    mints: new MintBudget({ perMinute: limits.mintsPerMinute, perAgentPerMinute: limits.mintsPerAgentPerMinute }),
    heldBodies: new HeldBytes(limits.maxMemoryBytes * heldShare),
    turns: new FairTurns(),
  };
}

/** Of a worker's memory, for bodies that are held: while secrets are placed in one there are two or three of it. */
const heldShare = 0.25;

function closingSource(): AbortController {
  const closing = new AbortController();
  // Whoever holds a connection that has an end of its own to send listens: there may be thousands of them.
  setMaxListeners(0, closing.signal);
  return closing;
}

function upstreamPools(
  dialling: DialOptions,
  limits: Limits,
  clock: DeadlineClock,
): Pick<DataPlane, 'pool' | 'sessions'> {
  const pool = new UpstreamPool(dialling, limits, clock);
  return { pool, sessions: new UpstreamSessions(dialling, pool, limits, clock) };
}

function certificates(config: WorkerConfig, keyring: Keyring, ticketKeys: SharedTicketKeys, log: Logger) {
  const { maxLeaves } = config.limits;
  const { clientRoots, isRefusingInsideTunnel, gatewayNames } = config;
  const proxyPortTls = new ProxyPortTls({ names: [...gatewayNames, 'localhost', hostname()], ticketKeys });
  const keeping = { keyring, maxLeaves, ticketKeys, isRefusingInsideTunnel };
  return { authority: new AuthoritiesInForce({ ...keeping, proxyPortTls, clientRoots, log }), proxyPortTls };
}

function dialOptions(config: WorkerConfig, configuration: FollowedConfiguration): DialOptions {
  const guard = new AddressGuard({ allowRanges: config.allowRanges, ownListeners: config.ownListeners });
  const roots = config.upstreamRootsPem;
  return {
    resolver: new CheckedResolver({ guard, connectTo: config.connectTo }),
    tls: new UpstreamTls(roots === undefined ? {} : { extraRootsPem: roots }),
    dialMs: config.limits.dialMs,
    isPortNamed: (port) => configuration.current?.namesPort(port) ?? false,
  };
}
