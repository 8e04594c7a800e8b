import { setTimeout as pause } from 'node:timers/promises';

/** @throws Error when `work` takes longer than `timeoutMs`; what becomes of it then is nobody's concern */
export async function beforeDeadline<T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = pause(timeoutMs, undefined, { signal: done.signal }).then(() => {
    throw new Error(`${what} took more than ${timeoutMs} ms`);
  });
  const working = work();
  try {
    return await Promise.race([working, late]);
  } finally {
    done.abort();
    for (const promise of [working, late]) promise.catch(() => undefined);
  }
}

/** Waits for an ending that may never come when the server is gone; it is given up after `timeoutMs`. */
export async function orAfter(timeoutMs: number, ending: Promise<unknown>): Promise<void> {
  await beforeDeadline('closing', timeoutMs, () => ending).catch(() => undefined);
}
