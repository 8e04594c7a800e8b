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
 * Deadlines by the thousand on one coarse timer: they expire up to two ticks late, never early, and setting one costs an
 * assignment. Every connection has one, so that nothing a peer leaves open stays for ever.
 */
export class DeadlineClock {
  readonly #entries = new Set<Entry>();
  readonly #timer: NodeJS.Timeout;
  readonly #tickMs: number;
  #nowMs = performance.now();

  constructor(tickMs = 250) {
    this.#tickMs = tickMs;
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
        entry.atMs = this.#nowMs + this.#tickMs + ms;
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
    // While the process stood still nobody's time ran: peers could not be heard.
    const stalledMs = Math.max(0, nowMs - this.#nowMs - 2 * this.#tickMs);
    this.#nowMs = nowMs;
    for (const entry of this.#entries) {
      entry.atMs += stalledMs;
      if (entry.atMs > nowMs) continue;
      entry.atMs = Number.POSITIVE_INFINITY;
      entry.onExpired();
    }
  }
}
