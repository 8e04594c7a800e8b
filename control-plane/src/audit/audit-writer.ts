import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { AuditConsumer, TrailBatch } from '@onecli/shared/ports/audit-queue';
import type { AuditStore } from './audit-store.ts';
import type { TrailStore } from './trail-store.ts';

interface WriterLog {
  error(fields: object, message: string): void;
}

export interface AuditWriterOptions {
  readonly consumer: AuditConsumer;
  readonly trail: Pick<TrailStore, 'take'>;
  /** Where events of workers of the release before go, which keep no trail. */
  readonly store: Pick<AuditStore, 'insert'>;
  readonly log: WriterLog;
  /** Told of the events that a batch brought, with the age of its oldest entry. */
  readonly written: (events: readonly AuditEvent[], lagSeconds: number) => void;
  readonly failed: () => void;
}

/** Takes batches of workers' trails from the queue and has them written. A batch that cannot be written comes again. */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  #isConsuming = false;

  constructor(options: AuditWriterOptions) {
    this.#options = options;
  }

  get isConsuming(): boolean {
    return this.#isConsuming;
  }

  /** What is known of a queue that does not lie in the database. */
  get queueElsewhere(): AuditConsumer['elsewhere'] {
    return this.#options.consumer.elsewhere;
  }

  async start(): Promise<void> {
    await this.#options.consumer.consume(
      (batch) => this.#write(batch),
      (events) => this.#writeEvents(events),
    );
    this.#isConsuming = true;
  }

  /** Lets the batch in hand end and takes no more. */
  async close(): Promise<void> {
    this.#isConsuming = false;
    await this.#options.consumer.close();
  }

  async #writeEvents(events: readonly AuditEvent[]): Promise<void> {
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

  async #write(batch: TrailBatch): Promise<void> {
    const { trail, log, written, failed } = this.#options;
    try {
      const { events, oldestMs } = await trail.take(batch);
      written(events, oldestMs === undefined ? 0 : (Date.now() - oldestMs) / 1_000);
    } catch (error) {
      failed();
      const { worker, boot, first, last } = batch;
      log.error(
        { err: error, worker, boot, first, last },
        'a batch of the audit trail could not be written; it will come again',
      );
      throw error;
    }
  }
}
