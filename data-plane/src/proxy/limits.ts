import type { LimitName } from '@onecli/shared/limits-table';

/** How much and how long. Times in milliseconds, sizes in bytes; what may be unlimited is then infinite. */
export interface Limits {
  /** A longer request target is refused: patterns are matched against it. */
  readonly maxTargetBytes: number;
  readonly head: { readonly maxHeadBytes: number; readonly maxHeaders: number };
  /** Of a request's payload. */
  readonly maxBodyBytes: number;
  /** The first request head of a connection, CONNECT included. */
  readonly firstHeadMs: number;
  readonly handshakeMs: number;
  /** Between the first byte of a later request head and its last. */
  readonly headMs: number;
  /** Between two requests of a connection. */
  readonly keepAliveMs: number;
  /** Between two pieces of a body, either way. */
  readonly bodyIdleMs: number;
  readonly dialMs: number;
  /** Until the first byte of an answer: generous, for models think. */
  readonly firstByteMs: number;
  /** From a request's head to its answer's end. */
  readonly requestMs: number;
  /** The age at which a connection of an agent ends after the request under way. */
  readonly connectionMs: number;
  /** Agents' connections of this worker, before and after they have said who they are. */
  readonly maxConnections: number;
  readonly maxTunnelsPerAgent: number;
  readonly pooledIdleMs: number;
  readonly maxPooledPerOrigin: number;
  readonly maxPooled: number;
  /** A request body of known length up to this is looked at whole before anything of it is sent. */
  readonly heldBodyBytes: number;
  /** A request body in which placeholders are replaced is held whole; a longer one is refused. */
  readonly placedBodyBytes: number;
  /** Certificates kept for hosts that were asked for. */
  readonly maxLeaves: number;
  readonly mintsPerMinute: number;
  readonly mintsPerAgentPerMinute: number;
  /** Memory of this process near to which it takes no more on. */
  readonly maxMemoryBytes: number;
  /** Of the audit spool; with more in it nothing is allowed. */
  readonly maxSpoolBytes: number;
  readonly http2: Http2Limits;
  readonly webSocket: {
    /** Without a byte either way; then both ends are told to go. */
    readonly idleMs: number;
    /** For a Close in answer to a Close. */
    readonly closeMs: number;
    /** A frame up to this is taken whole before any of it goes on. */
    readonly heldFrameBytes: number;
    /** A text message up to this is held whole where placeholders may be replaced in it. */
    readonly heldMessageBytes: number;
    /** A compressed message that is looked into may grow to this. */
    readonly maxInflatedBytes: number;
  };
}

export interface Http2Limits {
  /** Streams at once on one connection, of an agent or to an upstream. */
  readonly maxStreams: number;
  /** What an upstream may send on a stream before it is taken off: the most that one stream keeps in memory. */
  readonly upstreamWindowBytes: number;
  /** Streams that an agent may reset before they are answered: so many at once, */
  readonly maxResets: number;
  /** and then so many a second. */
  readonly resetsPerSecond: number;
  /** PING and SETTINGS frames that an agent may send at once, */
  readonly maxPings: number;
  /** and then so many a second. */
  readonly pingsPerSecond: number;
  /** A connection to an upstream from which nothing has come for so long is asked for a sign of life. */
  readonly pingMs: number;
}

/** The limits that a configuration's variables stand for. */
export function toLimits(value: Readonly<Record<LimitName, number>>): Limits {
  return {
    maxTargetBytes: value.ONECLI_LIMIT_TARGET_BYTES,
    head: { maxHeadBytes: value.ONECLI_LIMIT_HEAD_BYTES, maxHeaders: value.ONECLI_LIMIT_HEADERS },
    maxBodyBytes: orInfinite(value.ONECLI_LIMIT_BODY_BYTES),
    firstHeadMs: value.ONECLI_LIMIT_FIRST_HEAD_MS,
    handshakeMs: value.ONECLI_LIMIT_HANDSHAKE_MS,
    headMs: value.ONECLI_LIMIT_HEAD_MS,
    keepAliveMs: value.ONECLI_LIMIT_IDLE_MS,
    bodyIdleMs: value.ONECLI_LIMIT_BODY_IDLE_MS,
    dialMs: value.ONECLI_LIMIT_DIAL_MS,
    firstByteMs: value.ONECLI_LIMIT_FIRST_BYTE_MS,
    requestMs: orInfinite(value.ONECLI_LIMIT_REQUEST_MS),
    connectionMs: orInfinite(value.ONECLI_LIMIT_CONNECTION_MS),
    maxConnections: value.ONECLI_LIMIT_CONNECTIONS,
    maxTunnelsPerAgent: value.ONECLI_LIMIT_TUNNELS_PER_AGENT,
    pooledIdleMs: value.ONECLI_LIMIT_POOLED_IDLE_MS,
    maxPooledPerOrigin: 128,
    maxPooled: value.ONECLI_LIMIT_POOLED,
    heldBodyBytes: 64 * 1024,
    placedBodyBytes: 4 * 1024 * 1024,
    maxLeaves: value.ONECLI_LIMIT_CERTIFICATES,
    mintsPerMinute: value.ONECLI_LIMIT_CERTIFICATES_PER_MINUTE,
    mintsPerAgentPerMinute: value.ONECLI_LIMIT_CERTIFICATES_PER_AGENT_PER_MINUTE,
    maxMemoryBytes: value.ONECLI_LIMIT_MEMORY_MB * 1024 * 1024,
    maxSpoolBytes: value.ONECLI_LIMIT_SPOOL_MB * 1024 * 1024,
    http2: {
      maxStreams: value.ONECLI_LIMIT_HTTP2_STREAMS,
      upstreamWindowBytes: 256 * 1024,
      maxResets: value.ONECLI_LIMIT_HTTP2_RESETS,
      resetsPerSecond: value.ONECLI_LIMIT_HTTP2_RESETS_PER_SECOND,
      maxPings: value.ONECLI_LIMIT_HTTP2_PINGS,
      pingsPerSecond: value.ONECLI_LIMIT_HTTP2_PINGS_PER_SECOND,
      pingMs: value.ONECLI_LIMIT_HTTP2_PING_MS,
    },
    webSocket: {
      idleMs: value.ONECLI_LIMIT_WEBSOCKET_IDLE_MS,
      closeMs: value.ONECLI_LIMIT_WEBSOCKET_CLOSE_MS,
      heldFrameBytes: 64 * 1024,
      heldMessageBytes: value.ONECLI_LIMIT_WEBSOCKET_MESSAGE_BYTES,
      maxInflatedBytes: value.ONECLI_LIMIT_WEBSOCKET_INFLATED_BYTES,
    },
  };
}

function orInfinite(value: number): number {
  return value === 0 ? Number.POSITIVE_INFINITY : value;
}
