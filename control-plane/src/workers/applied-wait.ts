import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerStore } from './worker-store.ts';

const lookEveryMs = 20;

interface Waiter {
  readonly revision: number;
  readonly untilMs: number;
  readonly answer: (behind: readonly string[]) => void;
  readonly fail: (error: unknown) => void;
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
   * Resolves as soon as every live worker has applied `revision`, with nothing; after `timeoutMs`, with the names of those
   * that have not. A worker that stops reporting is not waited for any more. @throws what reading the reports throws
   */
  until(revision: number, timeoutMs: number): Promise<readonly string[]> {
    return new Promise((answer, fail) => {
      this.#waiting.add({ revision, untilMs: performance.now() + timeoutMs, answer, fail });
      if (!this.#isLooking) void this.#look();
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      try {
        const workers = await this.#store.live();
        for (const waiter of waiting) this.#judge(waiter, workers);
      } catch (error) {
        for (const waiter of waiting) this.#end(waiter, () => waiter.fail(error));
      }
      if (this.#waiting.size > 0) await pause(lookEveryMs);
    }
    this.#isLooking = false;
  }

  #judge(waiter: Waiter, workers: readonly { readonly name: string; readonly appliedRevision: number }[]): void {
    const behind = workers.filter(({ appliedRevision }) => appliedRevision < waiter.revision).map(({ name }) => name);
    if (behind.length === 0 || performance.now() >= waiter.untilMs) this.#end(waiter, () => waiter.answer(behind));
  }

  #end(waiter: Waiter, end: () => void): void {
    this.#waiting.delete(waiter);
    end();
  }
}
