/** How much and how long. Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** A longer request target is refused: patterns are matched against it. */
  readonly maxTargetBytes: number;
  readonly head: { readonly maxHeadBytes: number; readonly maxHeaders: number };
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
  readonly pooledIdleMs: number;
  readonly maxPooledPerOrigin: number;
  readonly maxPooled: number;
  /** A request body of known length up to this is looked at whole before anything of it is sent. */
  readonly heldBodyBytes: number;
  /** A request body in which placeholders are replaced is held whole; a longer one is refused. */
  readonly placedBodyBytes: number;
  readonly maxLeaves: number;
}

/** Defaults that suit a worker of a few hundred megabytes. */
export const defaultLimits: Limits = {
  maxTargetBytes: 16 * 1024,
  head: { maxHeadBytes: 64 * 1024, maxHeaders: 200 },
  firstHeadMs: 15_000,
  handshakeMs: 15_000,
  headMs: 15_000,
  keepAliveMs: 5 * 60_000,
  bodyIdleMs: 5 * 60_000,
  dialMs: 10_000,
  firstByteMs: 10 * 60_000,
  pooledIdleMs: 30_000,
  maxPooledPerOrigin: 128,
  maxPooled: 2048,
  heldBodyBytes: 64 * 1024,
  placedBodyBytes: 4 * 1024 * 1024,
  maxLeaves: 1000,
};
