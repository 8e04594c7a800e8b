/**
 * Every limit of a worker that can be set: the variable, its bounds, its default and what it bounds. The supervisor
 * checks and hands them on, the worker obeys them, and both take them from here.
 */
export interface LimitVariable {
  readonly least: number;
  readonly most: number;
  readonly byDefault: number;
  /** Completes "expected …". */
  readonly expected: string;
}

const dayMs = 86_400_000;

function bytes(least: number, most: number, byDefault: number): LimitVariable {
  return { least, most, byDefault, expected: `bytes, ${least} to ${most}` };
}

function milliseconds(byDefault: number): LimitVariable {
  return { least: 100, most: dayMs, byDefault, expected: `milliseconds, 100 to ${dayMs}` };
}

function millisecondsOrNone(byDefault: number): LimitVariable {
  return { least: 0, most: dayMs * 30, byDefault, expected: `milliseconds, at most ${dayMs * 30}; 0 for no limit` };
}

function count(least: number, most: number, byDefault: number): LimitVariable {
  return { least, most, byDefault, expected: `a whole number, ${least} to ${most}` };
}

/** The limits by variable. */
export const limitVariables = {
  ONECLI_LIMIT_HEAD_BYTES: bytes(1024, 1_048_576, 65_536),
  ONECLI_LIMIT_HEADERS: count(10, 10_000, 200),
  ONECLI_LIMIT_TARGET_BYTES: bytes(256, 65_536, 16_384),
  ONECLI_LIMIT_BODY_BYTES: {
    least: 0,
    most: 9_999_999_999_999,
    byDefault: 0,
    expected: 'bytes, at most 9999999999999; 0 for no limit',
  },
  ONECLI_LIMIT_FIRST_HEAD_MS: milliseconds(15_000),
  ONECLI_LIMIT_HANDSHAKE_MS: milliseconds(15_000),
  ONECLI_LIMIT_HEAD_MS: milliseconds(15_000),
  ONECLI_LIMIT_IDLE_MS: milliseconds(300_000),
  ONECLI_LIMIT_BODY_IDLE_MS: milliseconds(300_000),
  ONECLI_LIMIT_DIAL_MS: milliseconds(10_000),
  ONECLI_LIMIT_FIRST_BYTE_MS: milliseconds(600_000),
  ONECLI_LIMIT_REQUEST_MS: millisecondsOrNone(0),
  ONECLI_LIMIT_CONNECTION_MS: millisecondsOrNone(dayMs),
  ONECLI_LIMIT_CONNECTIONS: count(16, 1_000_000, 16_384),
  ONECLI_LIMIT_TUNNELS_PER_AGENT: count(1, 1_000_000, 4096),
  ONECLI_LIMIT_POOLED: count(0, 1_000_000, 2048),
  ONECLI_LIMIT_POOLED_IDLE_MS: milliseconds(30_000),
  ONECLI_LIMIT_CERTIFICATES: count(16, 100_000, 1000),
  ONECLI_LIMIT_CERTIFICATES_PER_MINUTE: count(1, 100_000, 1200),
  ONECLI_LIMIT_CERTIFICATES_PER_AGENT_PER_MINUTE: count(1, 100_000, 300),
  ONECLI_LIMIT_HTTP2_STREAMS: count(1, 10_000, 100),
  ONECLI_LIMIT_HTTP2_RESETS: count(1, 100_000, 200),
  ONECLI_LIMIT_HTTP2_RESETS_PER_SECOND: count(1, 100_000, 20),
  ONECLI_LIMIT_HTTP2_PINGS: count(10, 1_000_000, 10_000),
  ONECLI_LIMIT_HTTP2_PINGS_PER_SECOND: count(1, 1_000_000, 2000),
  ONECLI_LIMIT_HTTP2_PING_MS: milliseconds(310_000),
  ONECLI_LIMIT_WEBSOCKET_IDLE_MS: milliseconds(900_000),
  ONECLI_LIMIT_WEBSOCKET_CLOSE_MS: milliseconds(5000),
  ONECLI_LIMIT_WEBSOCKET_MESSAGE_BYTES: bytes(1024, 67_108_864, 1_048_576),
  ONECLI_LIMIT_WEBSOCKET_INFLATED_BYTES: bytes(1024, 1_073_741_824, 67_108_864),
  ONECLI_LIMIT_MEMORY_MB: count(128, 1_048_576, 1024),
  ONECLI_LIMIT_SPOOL_MB: count(1, 1_048_576, 1024),
} as const satisfies Record<string, LimitVariable>;

export type LimitName = keyof typeof limitVariables;

/** The number that a limit's text stands for, or undefined when it is no decimal number within the bounds. */
export function parseLimit(name: LimitName, text: string): number | undefined {
  const { least, most } = limitVariables[name];
  if (!/^(?:0|[1-9][0-9]{0,12})$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}
