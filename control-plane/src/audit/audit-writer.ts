import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { AuditConsumer } from '@onecli/shared/ports/audit-queue';
import type { AuditStore } from './audit-store.ts';

interface WriterLog {
  error(fields: object, message: string): void;
}

export interface AuditWriterOptions {
  readonly consumer: AuditConsumer;
  readonly store: AuditStore;
  readonly log: WriterLog;
  /** Told of each batch that was written, with the age of its oldest event. */
  readonly written: (events: readonly AuditEvent[], lagSeconds: number) => void;
  readonly failed: () => void;
}

/** Takes batches of audit events from the queue and writes them. A batch that cannot be written comes again. */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  #isConsuming = false;

  constructor(options: AuditWriterOptions) {
    this.#options = options;
  }

  get isConsuming(): boolean {
    return this.#isConsuming;
  }

  async start(): Promise<void> {
    await this.#options.consumer.consume((events) => this.#write(events));
    this.#isConsuming = true;
  }

  /** Lets the batch in hand end and takes no more. */
  async close(): Promise<void> {
    this.#isConsuming = false;
    await this.#options.consumer.close();
  }

  async #write(events: readonly AuditEvent[]): Promise<void> {
    const { store, log, written, failed } = this.#options;
    try {
      await store.insert(events);
    } catch (error) {
      failed();
      log.error(
        { err: error, events: events.length },
        'a batch of audit events could not be written; it will come again',
      );
      throw error;
    }
    const oldestMs = events.reduce((oldest, { timeMs }) => Math.min(oldest, timeMs), Date.now());
    written(events, (Date.now() - oldestMs) / 1_000);
  }
}
