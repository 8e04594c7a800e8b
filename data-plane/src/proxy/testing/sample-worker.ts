import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { ConnectTo } from '@onecli/shared/netguard/connect-to';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { type Intent, type IntendedEvent, type RecordedEvent, wholeEvent } from '../../audit/audit-item.ts';
import { SecretOpener } from '../../credentials/open-secret.ts';
import { Metrics } from '../../health/metrics.ts';
import { serveHttp2 } from '../../http2/agent-session.ts';
import { UpstreamSessions } from '../../http2/upstream-sessions.ts';
import { confirmIdentity, type Identity } from '../../identity/identify.ts';
import { FairTurns } from '../../load/fair-turns.ts';
import { HeldBytes } from '../../load/held-bytes.ts';
import { PolicyLimits } from '../../policy/policy-limits.ts';
import type { Configuration } from '../../snapshot/configuration.ts';
import { UpstreamTls } from '../../tls/upstream-tls.ts';
import { RepeatedHeads } from '../../wire/repeated-heads.ts';
import type { Tunnel } from '../agent-stream.ts';
import type { DataPlane } from '../data-plane.ts';
import { DeadlineClock } from '../deadline.ts';
import { handleRequest } from '../handle-request.ts';
import { Http1Agent } from '../http1-agent.ts';
import type { Limits } from '../limits.ts';
import { OpenConnections } from '../open-connections.ts';
import { serveConnection } from '../serve-connection.ts';
import { poolKeyOf, UpstreamPool } from '../upstream-pool.ts';
import { defaultLimits } from './default-limits.ts';
import { type LoopbackPair, loopbackPair } from './loopback-pair.ts';
import { type SampleUpstream, upstreamHost } from './sample-upstream.ts';

export interface SampleWorkerOptions {
  readonly keyring: Keyring;
  readonly configuration: Configuration;
  readonly upstream: SampleUpstream;
  /** The hash of the token that the agent came in with. */
  readonly tokenHash: string;
  readonly limits?: Partial<Limits>;
  /** Another trail than one that takes everything. */
  readonly trail?: DataPlane['trail'];
  /** Dials wait for it. */
  readonly resolved?: () => Promise<void>;
}

/** A worker without a database: agents come to it as if by a tunnel that was opened, and its upstream is a real one. */
export class SampleWorker {
  readonly plane: DataPlane;
  readonly events: RecordedEvent[] = [];
  readonly errors: unknown[] = [];
  readonly #current: { current: Configuration };
  readonly #tokenHash: string;
  readonly #pairs: LoopbackPair[] = [];
  readonly #sessions: ClientHttp2Session[] = [];

  constructor(options: SampleWorkerOptions) {
    const { keyring, configuration } = options;
    this.#current = { current: configuration };
    this.#tokenHash = options.tokenHash;
    const limits = { ...defaultLimits, ...options.limits };
    const clock = new DeadlineClock(10);
    const dialling = diallingOf(options, limits);
    const pool = new UpstreamPool(dialling, limits, clock);
    const parts: Partial<DataPlane> = {
      configuration: this.#current as DataPlane['configuration'],
      opener: new SecretOpener(keyring),
      policyLimits: new PolicyLimits(),
      dialling,
      pool,
      sessions: new UpstreamSessions(dialling, pool, limits, clock),
      trail: options.trail ?? this.#trail(),
      metrics: new Metrics({ revision: () => 0, pooled: () => 0, auditPending: () => 0 }),
      clock,
      heads: new RepeatedHeads(),
      limits,
      log: this.#log(),
      connections: new OpenConnections(limits),
      heldBodies: new HeldBytes(limits.maxMemoryBytes),
      turns: new FairTurns(),
      pressure: { hasRoomForRequest: () => true } as unknown as DataPlane['pressure'],
      isDraining: false,
      underway: 0,
    };
    this.plane = parts as DataPlane;
  }

  /** Another configuration comes into force, as `FollowedConfiguration` does it. */
  apply(configuration: Configuration): Promise<void> {
    this.#current.current = configuration;
    return this.plane.connections.lookAgain(configuration);
  }

  /** The agent's end of a connection that speaks HTTP/1.1. */
  async openHttp1(): Promise<Socket> {
    const { near, far } = await this.#pair();
    const connection = this.#follow(near);
    const agent = new Http1Agent(this.plane, near, { raw: near, connection, peer, tunnel: this.#tunnel() });
    void serveConnection(this.plane, agent, (head) => handleRequest(this.plane, agent, head));
    return far;
  }

  /** The agent's end of a connection that speaks HTTP/2. */
  async openHttp2(): Promise<ClientHttp2Session> {
    const { near, far } = await this.#pair();
    const connection = this.#follow(near);
    void serveHttp2(this.plane, near as TLSSocket, { connection, tunnel: this.#tunnel(), peer, refused: undefined });
    const session = connectHttp2(`https://${upstreamHost}`, { createConnection: () => far });
    session.on('error', () => undefined);
    this.#sessions.push(session);
    return session;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    for (const pair of this.#pairs) pair.close();
    this.plane.pool.close();
    this.plane.sessions.close();
    this.plane.connections.close();
    this.plane.clock.close();
  }

  async #pair(): Promise<LoopbackPair> {
    const pair = await loopbackPair();
    this.#pairs.push(pair);
    return pair;
  }

  #follow(socket: Socket): NonNullable<ReturnType<OpenConnections['add']>> {
    const connection = this.plane.connections.add(socket);
    if (!connection) throw new Error('no room for a connection');
    return connection;
  }

  #tunnel(): Tunnel {
    const configuration = this.#current.current;
    const [agent] = configuration.snapshot.agents.values();
    if (!agent) throw new Error('no agent');
    const token = { hash: this.#tokenHash, user: agent.name };
    const presented = { kind: 'presented' as const, peer, token, jwt: undefined, headers: [] };
    const asked: Identity = { kind: 'identity', agent, presented, revision: -1, untilMs: 0 };
    const identity = confirmIdentity(asked, configuration, Date.now());
    if (identity.kind === 'refused') throw new Error(identity.message);
    const destination = { kind: 'authority', host: upstreamHost, port: 443 } as const;
    return {
      identity,
      destination,
      isSecure: true,
      poolKey: poolKeyOf(agent.id, destination, true),
      rules: undefined,
    };
  }

  #trail(): DataPlane['trail'] {
    const keep = (event: IntendedEvent): Intent => ({ sequence: 0, event, run: { isOver: false } });
    const trail: Pick<
      DataPlane['trail'],
      'hasRoom' | 'pendingCount' | 'intend' | 'intendNow' | 'record' | 'recordEnding'
    > = {
      hasRoom: true,
      pendingCount: 0,
      intend: (event) => ({ intent: keep(event), kept: Promise.resolve(true) }),
      intendNow: (intent, event) => intent ?? keep(event),
      record: (event) => void this.events.push(event),
      recordEnding: (ending, { event }) => void this.events.push(wholeEvent(event, ending)),
    };
    return trail as unknown as DataPlane['trail'];
  }

  #log(): DataPlane['log'] {
    const keep = (...said: unknown[]): void => void this.errors.push(...said);
    return { error: keep, warn: keep, info: () => undefined, debug: () => undefined } as unknown as DataPlane['log'];
  }
}

const peer = { source: '127.0.0.1', certificate: undefined };

function diallingOf({ upstream, resolved }: SampleWorkerOptions, limits: Limits): DataPlane['dialling'] {
  const target = { host: 'upstream.test', port: upstream.port };
  return {
    resolver: new CheckedResolver({
      guard: new AddressGuard({ allowRanges: ['127.0.0.0/8'], ownListeners: [] }),
      connectTo: new ConnectTo(new Map([[`${upstreamHost} 443`, target]])),
      lookupAll: async () => {
        await resolved?.();
        return [{ address: '127.0.0.1', family: 4 }];
      },
    }),
    tls: new UpstreamTls({ extraRootsPem: upstream.rootsPem }),
    dialMs: limits.dialMs,
    isPortNamed: () => true,
  };
}
