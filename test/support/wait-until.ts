import { setTimeout as pause } from 'node:timers/promises';

const pollIntervalMs = 20;

/**
 * Waits until `condition` gives something other than `undefined`, `false` or `null`, and gives that back.
 * A condition that throws counts as not met; its last error is the cause of the time-out.
 * @throws Error naming `what` after `timeoutMs` (default 15 s).
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause });
    await pause(pollIntervalMs);
  }
}

/** Gives what `promise` gives. @throws Error naming `what` when it is not settled after `timeoutMs`. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  const timeUp = new AbortController();
  const late = pause(timeoutMs, undefined, { signal: timeUp.signal }).then(() => {
    throw new Error(`${what}: nothing after ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timeUp.abort();
    late.catch(() => undefined);
  }
}
