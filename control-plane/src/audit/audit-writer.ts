import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { AuditConsumer, TrailBatch } from '@onecli/shared/ports/audit-queue';
import type { TrailStore } from './trail-store.ts';

interface WriterLog {
  error(fields: object, message: string): void;
}

export interface AuditWriterOptions {
  readonly consumer: AuditConsumer;
  readonly trail: Pick<TrailStore, 'take'>;
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
    await this.#options.consumer.consume((batch) => this.#write(batch));
    this.#isConsuming = true;
  }

  /** Lets the batch in hand end and takes no more. */
  async close(): Promise<void> {
    this.#isConsuming = false;
    await this.#options.consumer.close();
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
