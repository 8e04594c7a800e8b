import { setTimeout as pause } from 'node:timers/promises';

/** Waits for `ms`, or until `signal` aborts. */
export async function pauseUntil(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
