import type { AuditEvent } from '../../domain/audit-event.ts';
import type { AuditConsumer, AuditQueue } from '../../ports/audit-queue.ts';

type Handle = (events: readonly AuditEvent[]) => Promise<void>;

/** A queue within one process, for tests: both ends in one. */
export class MemoryAuditQueue implements AuditQueue, AuditConsumer {
  readonly #waiting = new Map<string, readonly AuditEvent[]>();
  #handle: Handle | undefined;
  #isTaking = false;
  #isClosed = false;

  async add(batchId: string, events: readonly AuditEvent[]): Promise<void> {
    if (this.#isClosed) throw new Error('The audit queue is closed');
    if (!this.#waiting.has(batchId)) this.#waiting.set(batchId, events);
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
    for (const [batchId, events] of this.#waiting) {
      if (this.#isClosed) break;
      try {
        await this.#handle?.(events);
        this.#waiting.delete(batchId);
      } catch {
        // It stays, and comes again with the next turn.
      }
    }
    this.#isTaking = false;
    if (this.#waiting.size > 0 && !this.#isClosed) this.#takeSoon();
  }
}
