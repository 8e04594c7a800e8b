/** Something that must happen before a point in time. */
export interface Deadline {
  /** Moves the deadline to `ms` from now; what expired before stays expired. */
  extend(ms: number): void;
  /** Waits for nothing until it is extended again. */
  pause(): void;
  /** Forgets it for good. */
  clear(): void;
}

interface Entry extends Deadline {
  atMs: number;
  readonly onExpired: () => void;
}

/**
 * Deadlines by the thousand on one coarse timer: they expire up to `tickMs` late, never early, and setting one costs next to nothing.
 * Every connection has one, so that nothing a peer leaves open stays for ever.
 */
export class DeadlineClock {
  readonly #entries = new Set<Entry>();
  readonly #timer: NodeJS.Timeout;

  constructor(tickMs = 250) {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  /** A new deadline, paused; `onExpired` is called at most once for each extension. */
  deadline(onExpired: () => void): Deadline {
    const entries = this.#entries;
    const entry: Entry = {
      atMs: Number.POSITIVE_INFINITY,
      onExpired,
      extend: (ms) => {
        entry.atMs = performance.now() + ms;
      },
      pause: () => {
        entry.atMs = Number.POSITIVE_INFINITY;
      },
      clear: () => {
        entries.delete(entry);
      },
    };
    entries.add(entry);
    return entry;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const entry of this.#entries) {
      if (entry.atMs > nowMs) continue;
      entry.atMs = Number.POSITIVE_INFINITY;
      entry.onExpired();
    }
  }
}
