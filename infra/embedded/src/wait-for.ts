import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `probe` every `everyMs` until it gives something other than undefined or false.
 * Gives that value, or undefined when `timeoutMs` has passed first. Rejects when `signal` aborts or `probe` throws.
 */
export async function waitFor<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs, everyMs = 20, signal }: { timeoutMs: number; everyMs?: number; signal?: AbortSignal | undefined },
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() >= deadline) return undefined;
    await delay(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
