/**
 * Every exit is recorded here exactly once, and goes to the queue in batches. What the queue has not taken yet is kept
 * in memory, within bounds: when there is no more room, requests are refused, because a request that is not recorded
 * must not happen.
 */
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { writeEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditQueue, TrailBatch } from '@onecli/shared/ports/audit-queue';
import { chainStart, linkMac, writeLink } from '@onecli/shared/vault/audit-chain';
import type { Logger } from 'pino';

export interface AuditTrailOptions {
  readonly queue: AuditQueue;
  readonly worker: string;
  readonly bootId: string;
  /** The instance's key for `audit-mac`. */
  readonly macKey: Buffer;
  readonly log: Logger;
  /** Under load, events are given to the queue this often; after a pause the first goes at once. */
  readonly flushEveryMs: number;
  /** Events in one batch; as many are given to the queue without waiting. */
  readonly maxBatch: number;
  /** Events kept while the queue is away. */
  readonly maxPending: number;
  readonly onLost?: (count: number) => void;
}

/** An event as the request path knows it: the trail adds where and in which order. */
export type RecordedEvent = Omit<AuditEvent, 'id' | 'worker'>;

const retryMs = 500;
/** After a pause, what comes together is given to the queue together. */
const gatherMs = 10;
/** Of what agents choose the length of, in one batch, in characters: it is serialised between two requests. */
const maxBatchText = 512 * 1024;

export class AuditTrail {
  readonly #options: AuditTrailOptions;
  #pending: RecordedEvent[] = [];
  #sequence = 0;
  #mac: string;
  /** Given to the queue, and not known to be there: it is given again as it was. */
  #inHand: { readonly batch: TrailBatch; readonly length: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #flushedAtMs = -Infinity;
  #isQueueAway = false;
  #isClosed = false;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#mac = chainStart(options.macKey, options.worker, options.bootId);
  }

  /** False when a request must be refused, because it could not be recorded. */
  get hasRoom(): boolean {
    return this.#pending.length < this.#options.maxPending;
  }

  /** False since the queue last refused a batch. */
  get isQueueReachable(): boolean {
    return !this.#isQueueAway;
  }

  /** Events that the queue has not taken yet. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /**
   * Records one exit. What was allowed is always kept: `hasRoom` was asked before. Refusals are bounded, or an agent could
   * fill the memory with them; those of strangers take at most half the room, so that they cannot shut agents out.
   */
  record(event: RecordedEvent): void {
    const { maxPending, maxBatch, onLost } = this.#options;
    const room = event.agentId === undefined ? maxPending / 2 : maxPending;
    const isBounded = event.decision === 'deny' || event.agentId === undefined;
    if (this.#isClosed || (isBounded && this.#pending.length >= room)) return onLost?.(1);
    this.#pending.push(event);
    if (!this.#timer || this.#pending.length === maxBatch) this.#flushInTurn();
  }

  /** Gives what is pending to the queue, for at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (let leftMs = timeoutMs; this.#pending.length > 0 && leftMs > 0; leftMs = deadline - performance.now()) {
      await settledWithin(leftMs, this.#flush());
      if (this.#isQueueAway) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (this.#pending.length === 0) return;
    this.#options.onLost?.(this.#pending.length);
    this.#options.log.error(
      { count: this.#pending.length },
      'audit events were lost: the queue did not take them before the end',
    );
  }

  /** A full batch goes now, another when its turn comes, and none while the queue is away but at its retry. */
  #flushInTurn(): void {
    const { maxBatch, flushEveryMs } = this.#options;
    if (this.#pending.length >= maxBatch) return this.#flushSoon(0);
    const turnMs = this.#flushedAtMs + flushEveryMs - performance.now();
    this.#flushSoon(Math.max(turnMs, Math.min(gatherMs, flushEveryMs)));
  }

  #flushSoon(ms: number): void {
    if (this.#flushing || this.#isClosed) return;
    if (this.#timer && (ms > 0 || this.#isQueueAway)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, ms);
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#flushBatch().finally(() => {
      this.#flushing = undefined;
      if (this.#pending.length === 0) return;
      if (this.#isQueueAway) this.#flushSoon(retryMs);
      else this.#flushInTurn();
    });
    return this.#flushing;
  }

  async #flushBatch(): Promise<void> {
    this.#inHand ??= this.#nextBatch();
    if (!this.#inHand) return;
    const { batch, length } = this.#inHand;
    this.#flushedAtMs = performance.now();
    try {
      await this.#options.queue.add(`${batch.worker}-${batch.boot}-${batch.first}-${batch.last}`, batch);
      this.#pending = this.#pending.slice(length);
      this.#inHand = undefined;
      if (this.#isQueueAway) this.#options.log.info('the audit queue is back');
      this.#isQueueAway = false;
    } catch (error) {
      if (!this.#isQueueAway)
        this.#options.log.warn(
          { err: error, pending: this.#pending.length },
          'the audit queue is away: events are kept',
        );
      this.#isQueueAway = true;
    }
  }

  #nextBatch(): { batch: TrailBatch; length: number } | undefined {
    const { worker, bootId: boot, macKey, maxBatch } = this.#options;
    const length = batchLength(this.#pending, maxBatch);
    if (length === 0) return undefined;
    const first = this.#sequence;
    const lines = this.#pending
      .slice(0, length)
      .map((event) => writeEntry({ kind: 'OUTCOME', of: undefined, sequence: this.#sequence++, ...event }));
    const previousMac = this.#mac;
    this.#mac = linkMac(macKey, previousMac, lines.map((line) => `${line}\n`).join(''));
    const text = writeLink({ lines, mac: this.#mac });
    const last = this.#sequence - 1;
    return { batch: { worker, boot, first, last, oldest: first, previousMac, isEnd: false, text }, length };
  }
}

/** How many of the first events make a batch: at most `maxBatch`, fewer when their text is long, at least one. */
function batchLength(events: readonly RecordedEvent[], maxBatch: number): number {
  let length = 0;
  let text = 0;
  for (const { path, findings } of events) {
    text += path.length + findings.length * 64;
    if (length >= maxBatch || (text > maxBatchText && length > 0)) break;
    length++;
  }
  return length;
}

/** Waits for `work`, for at most `ms`: a queue that never answers must not hold the end of the process up. */
async function settledWithin(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
