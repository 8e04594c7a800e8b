import type { AuditEvent } from '../domain/audit-event.ts';

/** Where workers put audit events. Batches are sealed: the queue's store never sees their content. */
export interface AuditQueue {
  /** Resolves when the queue has the batch; adding the same `batchId` again changes nothing. Throws when it is away. */
  add(batchId: string, events: readonly AuditEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** Where the control plane takes them from. A batch whose handler throws comes again. */
export interface AuditConsumer {
  consume(handle: (events: readonly AuditEvent[]) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
