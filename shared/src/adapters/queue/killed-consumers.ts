/**
 * How BullMQ's worker finds batches that a killed consumer had in hand, or whose taking the store did and could not tell. What follows on
 * such a batch in its boot waits for it: hence soon. The first look after its lock ends marks it, the next one gives it away: five seconds
 * at most. A consumer that is slower than its lock is no harm: a batch that is written twice changes nothing.
 */
export const killedConsumers = {
  /** Renewed at half of it. */
  lockDuration: 3_000,
  stalledInterval: 1_000,
  /** However often that happens to one batch. */
  maxStalledCount: 1_000_000_000,
} as const;
