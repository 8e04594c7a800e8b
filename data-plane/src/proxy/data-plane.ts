import type { CidrMap } from '@onecli/shared/domain/cidr';
import type { Telemetry } from '@onecli/shared/telemetry/telemetry';
import type { Logger } from 'pino';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { SecretOpener } from '../credentials/open-secret.ts';
import type { JwtVerifier } from '../identity/jwt-verifier.ts';
import type { Metrics } from '../health/metrics.ts';
import type { UpstreamSessions } from '../http2/upstream-sessions.ts';
import type { AgentTunnels } from '../load/agent-tunnels.ts';
import type { FairTurns } from '../load/fair-turns.ts';
import type { HeldBytes } from '../load/held-bytes.ts';
import type { MemoryPressure } from '../load/memory-pressure.ts';
import type { MintBudget } from '../load/mint-budget.ts';
import type { PolicyLimits } from '../policy/policy-limits.ts';
import type { FollowedConfiguration } from '../snapshot/follow-configuration.ts';
import type { ProxyPortTls } from '../tls/proxy-port-tls.ts';
import type { ClientAuthorities } from '../tls/client-authorities.ts';
import type { LeafCache } from '../tls/leaf-cache.ts';
import type { RefusalLeaves } from '../tls/refusal-leaves.ts';
import type { RepeatedHeads } from '../wire/repeated-heads.ts';
import type { DeadlineClock } from './deadline.ts';
import type { DialOptions } from './dial.ts';
import type { Limits } from './limits.ts';
import type { OpenConnections } from './open-connections.ts';
import type { ProxyProtocol } from './read-opening.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** Everything that a request needs, wired once in build.ts. */
export interface DataPlane {
  readonly configuration: FollowedConfiguration;
  readonly opener: SecretOpener;
  readonly tokenPepper: Buffer;
  readonly jwts: JwtVerifier;
  readonly proxyPortTls: ProxyPortTls;
  /** Load balancers that may, or have to, tell whose connection it is. */
  readonly trustedProxies: CidrMap<ProxyProtocol>;
  readonly policyLimits: PolicyLimits;
  readonly dialling: DialOptions;
  readonly pool: UpstreamPool;
  /** For agents that speak HTTP/2. */
  readonly sessions: UpstreamSessions;
  readonly trail: AuditTrail;
  readonly metrics: Metrics;
  readonly clock: DeadlineClock;
  /** The last request head of each connection. */
  readonly heads: RepeatedHeads;
  readonly limits: Limits;
  readonly log: Logger;
  /** The leaf cache of the authority in force, and what agents are to trust, for `GET /ca.pem`. */
  readonly authority: {
    leaves: LeafCache | undefined;
    /** For hosts that policy refuses; without it they are refused at CONNECT. */
    refusalLeaves: RefusalLeaves | undefined;
    bundlePem: string | undefined;
    /** Whose client certificates are trusted. */
    readonly clients: Pick<ClientAuthorities, 'issuerOf'>;
    /** Ids of the authorities in the bundle, the one that signs first; then of those of clients. */
    ids: readonly string[];
  };
  /** What agents call this gateway in base URLs, besides localhost and IP addresses. */
  readonly gatewayNames: ReadonlySet<string>;
  readonly connections: OpenConnections;
  readonly tunnels: AgentTunnels;
  readonly mints: MintBudget;
  /** Of requests under way. */
  readonly heldBodies: HeldBytes;
  /** Of transfers that move much. */
  readonly turns: FairTurns;
  readonly pressure: MemoryPressure;
  /** It is not ready any more, and its answers are the last of their connections. */
  isDraining: boolean;
  /**
   * Aborted when the worker takes no new connection any more, and no new tunnel on those that are open: protocols that
   * have a goodbye of their own (GOAWAY, a close frame) say it then.
   */
  readonly closing: AbortController;
  /** Where spans of requests go, if anywhere. */
  telemetry?: Telemetry;
  /** Whether agents' `traceparent`, `tracestate` and `baggage` go on to upstreams. */
  isTraceContextForwarded?: boolean;
  /** Requests that were begun and are not yet recorded. */
  underway: number;
}
