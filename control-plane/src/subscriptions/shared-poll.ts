/**
 * Looks at something every so often for all who wait for it to change: one look serves them all, and while nobody waits there is
 * none. What `look` gives is compared by `keyOf`.
 */
export class SharedPoll<T> {
  readonly #everyMs: number;
  readonly #look: () => Promise<T>;
  readonly #keyOf: (state: T) => string;
  readonly #waiting = new Set<Waiting<T>>();
  #isPolling = false;

  constructor(everyMs: number, look: () => Promise<T>, keyOf: (state: T) => string) {
    this.#everyMs = everyMs;
    this.#look = look;
    this.#keyOf = keyOf;
  }

  /**
   * The state as soon as it is another than the one of the key; undefined when it still is that after `waitMs`.
   * @param known the key of the state that the caller has seen; undefined: none, so that the next look is an answer
   * @throws what the look throws
   */
  changedFrom(
    known: string | undefined,
    waitMs: number,
  ): Promise<{ readonly state: T; readonly key: string } | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const timer = setTimeout(() => {
        settle();
        resolve(undefined);
      }, waitMs);
      const waiting: Waiting<T> = {
        take: (state, key) => {
          if (key === known) return;
          settle();
          resolve({ state, key });
        },
        fail: (error) => {
          settle();
          reject(error as Error);
        },
      };
      this.#waiting.add(waiting);
      if (!this.#isPolling) this.#pollLater();
    });
  }

  #pollLater(): void {
    this.#isPolling = true;
    setTimeout(() => void this.#poll(), this.#everyMs);
  }

  async #poll(): Promise<void> {
    try {
      const state = await this.#look();
      const key = this.#keyOf(state);
      for (const waiting of this.#waiting) waiting.take(state, key);
    } catch (error) {
      for (const waiting of this.#waiting) waiting.fail(error);
    }
    this.#isPolling = false;
    if (this.#waiting.size > 0) this.#pollLater();
  }
}

interface Waiting<T> {
  readonly take: (state: T, key: string) => void;
  readonly fail: (error: unknown) => void;
}
