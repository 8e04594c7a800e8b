import type { AuditEvent } from '../domain/audit-event.ts';

/** A run of whole links of the trail of one boot of a worker: see domain/audit-entry and vault/audit-chain. */
export interface TrailBatch {
  readonly worker: string;
  readonly boot: string;
  /** Sequences of the first and the last entry; without one, the next that there will be and the one before. */
  readonly first: number;
  readonly last: number;
  /** The lowest sequence that the worker still keeps: what is missing before it will never come. */
  readonly oldest: number;
  /** What the first link follows on, in hex. */
  readonly previousMac: string;
  /** The boot is over: nothing follows, and what has no outcome by now will have none. */
  readonly isEnd: boolean;
  /** The links, as they were chained, in ASCII. */
  readonly text: string;
}

/** Where workers put their audit trail. Batches are sealed: the queue's store never sees their content. */
export interface AuditQueue {
  /** Resolves when the queue has the batch; adding the same `batchId` again changes nothing. Throws when it is away. */
  add(batchId: string, batch: TrailBatch): Promise<void>;
  close(): Promise<void>;
}

export type HandleBatch = (batch: TrailBatch) => Promise<void>;
/** Events as workers of the release before the spool give them: of requests that are over, with no trail behind them. */
export type HandleEvents = (events: readonly AuditEvent[]) => Promise<void>;

/** Where the control plane takes it from. A batch whose handler throws comes again; their order is nobody's promise. */
export interface AuditConsumer {
  /** @param handleEvents without it, batches of the release before come again and again */
  consume(handle: HandleBatch, handleEvents?: HandleEvents): Promise<void>;
  /** Of a queue that does not lie in the database: whether it can be reached, and what is in it. */
  readonly elsewhere?: { isReachable(): boolean; count(): Promise<QueueCounts> };
  close(): Promise<void>;
}

/** Batches that wait, that are being written, and that were given up. */
export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
}

/** How far the trail of a boot has been written, for good. */
export interface Written {
  /** The highest sequence up to which every entry is there. */
  readonly through: number;
  /** The end of the boot is known there too. */
  readonly isEnded: boolean;
}

/** Where a worker learns what it need not keep any more: the queue's word is no promise. */
export interface AuditConfirmations {
  /** Undefined for a boot of which nothing has been written. Throws while the store cannot be reached. */
  written(worker: string, boot: string): Promise<Written | undefined>;
}
