import { orAfter } from '@onecli/shared/adapters/before-deadline';
import type { SnapshotSource, WorkerReport } from '@onecli/shared/ports/snapshot-source';
import type { Logger } from 'pino';

const everyMs = 2_000;
const stopWithinMs = 2_000;
/** Between two errors in the log that say the same. */
const tellEveryMs = 60_000;
/** insufficient_privilege (PostgreSQL's manual, appendix A). */
const insufficientPrivilege = '42501';

/**
 * Reports that this worker is alive and what it has applied: every two seconds, and at once when it has applied another
 * revision, since somebody may be waiting for that. One report is under way at a time, so that none overtakes a newer one.
 */
export class Heartbeat {
  readonly #source: SnapshotSource;
  readonly #report: () => WorkerReport;
  readonly #log: Logger;
  #isSending = false;
  #sending: Promise<void> = Promise.resolve();
  #isOver = false;
  #isNews = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(source: SnapshotSource, log: Logger, report: () => WorkerReport) {
    this.#source = source;
    this.#log = log;
    this.#report = report;
  }

  /** Reports every two seconds until `signal` aborts. */
  start(signal: AbortSignal): void {
    void this.send();
    const beating = setInterval(() => void this.send(), everyMs);
    signal.addEventListener('abort', () => clearInterval(beating), { once: true });
  }

  /** Reports what holds now; while a report is under way, after it. Resolves when that has arrived, or cannot: never rejects. */
  send(): Promise<void> {
    if (this.#isOver) return this.#sending;
    this.#isNews = true;
    if (!this.#isSending) this.#sending = this.#sendAll();
    return this.#sending;
  }

  /**
   * Reports nothing any more. Resolves when what is under way has ended, or 2 s later: one that arrived after the end of the run would
   * tell that it goes on.
   */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#isNews = false;
    await orAfter(stopWithinMs, this.#sending);
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#isNews) {
      this.#isNews = false;
      try {
        await this.#source.heartbeat(this.#report());
        this.#toldMs = Number.NEGATIVE_INFINITY;
      } catch (error) {
        this.#tell(error);
      }
    }
    this.#isSending = false;
  }

  /** One that is refused does not mend itself, and nobody waits for a worker that does not report. */
  #tell(error: unknown): void {
    if (
      (error as { code?: unknown }).code !== insufficientPrivilege ||
      performance.now() < this.#toldMs + tellEveryMs
    ) {
      this.#log.debug({ err: error }, 'the heartbeat did not arrive');
      return;
    }
    this.#toldMs = performance.now();
    this.#log.error(
      { err: error },
      'the database refuses the reports of this worker: it goes on, but `wait: ALL` does not wait for it. Its ONECLI_WORKER_NAME is bound to another database role, its role to another worker, or the role has no rights: see `onecli database worker-role`',
    );
  }
}
