import type { SnapshotSource, WorkerReport } from '@onecli/shared/ports/snapshot-source';
import type { Logger } from 'pino';

const everyMs = 2_000;

/**
 * Reports that this worker is alive and what it has applied: every two seconds, and at once when it has applied another
 * revision, since somebody may be waiting for that. One report is under way at a time, so that none overtakes a newer one.
 */
export class Heartbeat {
  readonly #source: SnapshotSource;
  readonly #report: () => WorkerReport;
  readonly #log: Logger;
  #isSending = false;
  #isNews = false;

  constructor(source: SnapshotSource, log: Logger, report: () => WorkerReport) {
    this.#source = source;
    this.#log = log;
    this.#report = report;
  }

  /** Reports every two seconds until `signal` aborts. */
  start(signal: AbortSignal): void {
    this.send();
    const beating = setInterval(() => this.send(), everyMs);
    signal.addEventListener('abort', () => clearInterval(beating), { once: true });
  }

  /** Reports what holds now; while a report is under way, after it. */
  send(): void {
    this.#isNews = true;
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#isNews) {
      this.#isNews = false;
      try {
        await this.#source.heartbeat(this.#report());
      } catch (error) {
        this.#log.debug({ err: error }, 'the heartbeat did not arrive');
      }
    }
    this.#isSending = false;
  }
}
