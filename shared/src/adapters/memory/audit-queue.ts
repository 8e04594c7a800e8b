import type { AuditConsumer, AuditQueue, TrailBatch } from '../../ports/audit-queue.ts';

type Handle = (batch: TrailBatch) => Promise<void>;

/** A queue within one process, for tests: both ends in one. */
export class MemoryAuditQueue implements AuditQueue, AuditConsumer {
  readonly #waiting = new Map<string, TrailBatch>();
  #handle: Handle | undefined;
  #isTaking = false;
  #isClosed = false;

  async add(batchId: string, batch: TrailBatch): Promise<void> {
    if (this.#isClosed) throw new Error('The audit queue is closed');
    if (!this.#waiting.has(batchId)) this.#waiting.set(batchId, batch);
    this.#takeSoon();
  }

  async consume(handle: Handle): Promise<void> {
    this.#handle = handle;
    this.#takeSoon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #takeSoon(): void {
    if (this.#isTaking || this.#handle === undefined) return;
    this.#isTaking = true;
    setImmediate(() => void this.#takeAll());
  }

  async #takeAll(): Promise<void> {
    for (const [batchId, batch] of this.#waiting) {
      if (this.#isClosed) break;
      try {
        await this.#handle?.(batch);
        this.#waiting.delete(batchId);
      } catch {
        // It stays, and comes again with the next turn.
      }
    }
    this.#isTaking = false;
    if (this.#waiting.size > 0 && !this.#isClosed) this.#takeSoon();
  }
}
