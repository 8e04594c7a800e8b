import { setTimeout as pause } from 'node:timers/promises';

/**
 * Gives what `next` finds, and looks again after `everyMs` when that was nothing. It is pulled: while the one before has not been
 * taken, nothing is read. It ends when whoever follows it does.
 */
export async function* follow<T>(everyMs: number, next: () => Promise<readonly T[]>): AsyncGenerator<T> {
  for (;;) {
    const found = await next();
    yield* found;
    if (found.length === 0) await pause(everyMs);
  }
}
