/** Something that must happen before a point in time. */
export interface Deadline {
  /** Moves the deadline to `ms` from now; what expired before stays expired. */
  extend(ms: number): void;
  /** Bounds all that it is extended to from now on, at `ms` from now; infinite for no bound. */
  cap(ms: number): void;
  /** Waits for nothing until it is extended again. */
  pause(): void;
  /** Forgets it for good. */
  clear(): void;
}

/** What entries see of their clock. */
interface Now {
  nowMs: number;
  readonly tickMs: number;
}

function nothing(): void {}

/** A class, and not closures, for there is one for each connection. */
class Entry implements Deadline {
  atMs = Number.POSITIVE_INFINITY;
  latestMs = Number.POSITIVE_INFINITY;
  onExpired: () => void;
  readonly #now: Now;
  readonly #entries: Set<Entry>;

  constructor(now: Now, entries: Set<Entry>, onExpired: () => void) {
    this.#now = now;
    this.#entries = entries;
    this.onExpired = onExpired;
  }

  extend(ms: number): void {
    this.atMs = Math.min(this.#now.nowMs + this.#now.tickMs + ms, this.latestMs);
  }

  cap(ms: number): void {
    this.latestMs = this.#now.nowMs + this.#now.tickMs + ms;
  }

  pause(): void {
    this.atMs = Number.POSITIVE_INFINITY;
  }

  clear(): void {
    this.#entries.delete(this);
    this.onExpired = nothing;
  }
}

/**
 * Deadlines by the thousand on one coarse timer: they expire up to two ticks late, never early, and setting one costs an
 * assignment. Every connection has one, so that nothing a peer leaves open stays for ever.
 */
export class DeadlineClock {
  readonly #entries = new Set<Entry>();
  readonly #timer: NodeJS.Timeout;
  readonly #now: Now;

  constructor(tickMs = 250) {
    this.#now = { nowMs: performance.now(), tickMs };
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  /** A new deadline, paused; `onExpired` is called at most once for each extension. */
  deadline(onExpired: () => void): Deadline {
    const entry = new Entry(this.#now, this.#entries, onExpired);
    this.#entries.add(entry);
    return entry;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
  }

  #tick(): void {
    const nowMs = performance.now();
    // While the process stood still nobody's time ran: peers could not be heard.
    const stalledMs = Math.max(0, nowMs - this.#now.nowMs - 2 * this.#now.tickMs);
    this.#now.nowMs = nowMs;
    for (const entry of this.#entries) {
      entry.atMs += stalledMs;
      entry.latestMs += stalledMs;
      if (entry.atMs > nowMs) continue;
      entry.atMs = Number.POSITIVE_INFINITY;
      entry.onExpired();
    }
  }
}
