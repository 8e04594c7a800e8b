import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '@onecli/shared/fault';
import type { AppliedView, WorkerStore } from './worker-store.ts';

const lookEveryMs = 20;
/** However short the time, the database has so long for its first answer. */
const firstLookMs = 500;
/** For how long a caller may have a write wait, and does when he does not say, in milliseconds. */
export const waitMs = { default: 5_000, most: 30_000 } as const;

/** What became of a revision at the workers. */
export interface Applied {
  /** Live workers that have applied it. */
  readonly confirmedBy: number;
  /** Names of the live ones that have not. */
  readonly behind: readonly string[];
  /** Names of those that stopped reporting, so that nobody knows. */
  readonly silent: readonly string[];
  /** One has applied it at least, and there is no worker of which that is not known. */
  readonly isEverywhere: boolean;
}

interface Waiter {
  readonly revision: number;
  readonly untilMs: number;
  readonly answer: (applied: Applied) => void;
  readonly fail: (error: unknown) => void;
  /** What the last look found. */
  found: Applied | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Waits until workers have applied a revision. A worker reports as soon as it has applied one, so that looking at what
 * they reported is enough; however many wait, one look in 20 ms serves them all, and none happens when nobody waits.
 */
export class AppliedWait {
  readonly #store: WorkerStore;
  readonly #waiting = new Set<Waiter>();
  #isLooking = false;

  constructor(store: WorkerStore) {
    this.#store = store;
  }

  /**
   * Resolves as soon as every live worker has applied `revision`, or after `timeoutMs`, however long the database takes. A worker that
   * stops reporting is not waited for any more, and does not count as one that has applied it. @throws what reading the reports throws
   */
  until(revision: number, timeoutMs: number): Promise<Applied> {
    return new Promise((answer, fail) => {
      const untilMs = performance.now() + timeoutMs;
      const waiter: Waiter = { revision, untilMs, answer, fail, found: undefined, timer: undefined };
      waiter.timer = setTimeout(() => this.#over(waiter, firstLookMs - timeoutMs), timeoutMs);
      this.#waiting.add(waiter);
      if (!this.#isLooking) void this.#look();
    });
  }

  /** The time is over while a look is under way: what the one before it found holds. */
  #over(waiter: Waiter, moreMs: number): void {
    const { found } = waiter;
    if (found !== undefined) this.#end(waiter, () => waiter.answer(found));
    else if (moreMs > 0) waiter.timer = setTimeout(() => this.#over(waiter, 0), moreMs);
    else this.#end(waiter, () => waiter.fail(untold()));
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      try {
        const workers = await this.#store.applied();
        for (const waiter of waiting) this.#judge(waiter, workers);
      } catch (error) {
        for (const waiter of waiting) this.#end(waiter, () => waiter.fail(error));
      }
      if (this.#waiting.size > 0) await pause(lookEveryMs);
    }
    this.#isLooking = false;
  }

  #judge(waiter: Waiter, workers: readonly AppliedView[]): void {
    const applied = appliedBy(workers, waiter.revision);
    waiter.found = applied;
    if (applied.behind.length === 0 || performance.now() >= waiter.untilMs)
      this.#end(waiter, () => waiter.answer(applied));
  }

  #end(waiter: Waiter, end: () => void): void {
    clearTimeout(waiter.timer);
    this.#waiting.delete(waiter);
    end();
  }
}

function untold(): Fault {
  return new Fault('NOT_READY', 'The database did not tell in time what the workers have applied');
}

function appliedBy(workers: readonly AppliedView[], revision: number): Applied {
  const live = workers.filter(({ isLive }) => isLive);
  const behind = live.filter(({ appliedRevision }) => appliedRevision < revision).map(({ name }) => name);
  const silent = workers.filter(({ isLive }) => !isLive).map(({ name }) => name);
  const confirmedBy = live.length - behind.length;
  return { confirmedBy, behind, silent, isEverywhere: confirmedBy > 0 && behind.length + silent.length === 0 };
}
