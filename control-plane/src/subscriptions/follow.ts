import type { SharedPoll } from './shared-poll.ts';

/** How long nobody is asked whether he still may follow, at most. */
const askAgainMs = 1_000;

export interface Following<S, T> {
  /** Tells that there may be something new. */
  readonly poll: SharedPoll<S>;
  /** Throws when the follower may not follow any more. Asked before each read, and every second. */
  readonly authorize: () => void;
  /** What is new since the last read, of the state in which the poll found it; before the first, undefined. */
  readonly next: (state: S | undefined) => Promise<readonly T[]> | readonly T[];
}

/**
 * Gives what is new, as it comes. It is pulled: while the one before has not been taken, nothing is read. It ends when whoever
 * follows it does.
 */
export async function* follow<S, T>({ poll, authorize, next }: Following<S, T>): AsyncGenerator<T> {
  let known: string | undefined;
  let state: S | undefined;
  for (;;) {
    authorize();
    const found = await next(state);
    yield* found;
    if (found.length > 0) continue;
    for (let changed; changed === undefined; ) {
      changed = await poll.changedFrom(known, askAgainMs);
      if (changed === undefined) authorize();
      else ({ state, key: known } = changed);
    }
  }
}
