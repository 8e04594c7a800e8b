/**
 * What happens is recorded here: an intent before a secret leaves, an outcome when a request is over, each exit exactly once. The
 * entries of one turn of the event loop are a link of the chain, and go to the spool with one write at the end of that turn,
 * ahead of what waits for it. Nothing waits for the outcome of a request that has an intent: it goes with the next link, a
 * hundredth of a second later at the most. When they cannot be written, requests are refused: one that is not recorded must
 * not happen.
 */
import type { AuditEnding } from '@onecli/shared/domain/audit-entry';
import { IntentLines } from '@onecli/shared/domain/intent-lines';
import { chainStart, LinkMacs } from '@onecli/shared/vault/audit-chain';
import {
  type Intent,
  type IntentRun,
  type IntendedEvent,
  isInSpool,
  type Item,
  linesOf,
  type RecordedEvent,
  wholeEvent,
} from './audit-item.ts';
import type { Delivery } from './spool/delivery.ts';
import type { Spool } from './spool/spool.ts';
import type { AuditTrailOptions } from './audit-trail-options.ts';
import { Medium } from './spool/medium.ts';
import { Waiting } from './waiting.ts';

const retryMs = 250;
/** A process that is killed meanwhile leaves an intent without an outcome, of which no more is lost than how it ended. */
const holdMs = 10;
/** As many outcomes are written at once. */
const maxHeld = 256;

export class AuditTrail {
  readonly #options: AuditTrailOptions;
  #spool: Spool;
  #delivery: Delivery;
  #run: IntentRun = { isOver: false };
  #items: Item[] = [];
  #waiting: Waiting | undefined;
  #sequence = 0;
  readonly #intents = new IntentLines();
  readonly #macs: LinkMacs;
  #mac: string;
  #turn: NodeJS.Immediate | undefined;
  /** Set while outcomes wait for a link that they can go with. */
  #hold: NodeJS.Timeout | undefined;
  /** Set while the spool cannot be written, and until all that gathered meanwhile is. */
  #retry: NodeJS.Timeout | NodeJS.Immediate | undefined;
  readonly #medium: Medium;
  #isClosed = false;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#macs = new LinkMacs(options.macKey);
    this.#medium = new Medium(() => this.#spool, options.log);
    const { bootId, spool, delivery } = options.begin();
    [this.#spool, this.#delivery] = [spool, delivery];
    this.#mac = chainStart(options.macKey, options.worker, bootId);
    spool.whenLost((error) => this.#lose(error));
  }

  /** False when a request must be refused, because it could not be recorded. */
  get hasRoom(): boolean {
    return this.#retry === undefined && this.spoolBytes < this.#options.maxBytes;
  }

  /** False since the queue last refused a batch. */
  get isQueueReachable(): boolean {
    return this.#delivery.isQueueReachable;
  }

  /** Entries that the queue has not taken yet. */
  get pendingCount(): number {
    return this.#sequence - 1 - this.#delivery.handedThrough + this.#items.length;
  }

  /** What the spool holds. */
  get spoolBytes(): number {
    return this.#spool.bytes + this.#options.leftBytes();
  }

  /** A request's secrets are about to leave: resolves with whether they may, when the trail has it. */
  intend(event: IntendedEvent): { readonly intent: Intent; readonly kept: Promise<boolean> } {
    const intent: Intent = { sequence: undefined, event, run: this.#run };
    if (this.#retry || this.#isClosed) return { intent, kept: Promise.resolve(false) };
    this.#add({ kind: 'intent', intent });
    this.#waiting ??= new Waiting();
    return { intent, kept: this.#waiting.promise };
  }

  /**
   * Further secrets are about to leave with a request, at once: gives whether they may. In every mode but the default one that
   * waits for the medium.
   */
  intendNow(intent: Intent | undefined, event: IntendedEvent): Intent | undefined {
    const { mode } = this.#options;
    const spool = this.#spool;
    if (!this.hasRoom || this.#isClosed) return undefined;
    spool.leaveUnsettled();
    const { faults } = spool;
    const first: Intent = isInSpool(intent) ? intent : { sequence: undefined, event, run: this.#run };
    this.#items.push(first === intent ? { kind: 'further', event, intent } : { kind: 'intent', intent: first });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const isWritten = this.#flush();
    // Before any other call that could be told a fault in its place.
    if (mode !== 'default') spool.syncNow();
    this.#settle(waiting, isWritten, faults);
    return isWritten && this.#medium.has(faults, spool) ? first : undefined;
  }

  /**
   * Records the exit of a request that took no secret along. What was allowed is always kept: `hasRoom` was asked before. Other
   * refusals take three quarters of the room at most, or one agent could shut all others out with them; those of strangers half
   * of it.
   */
  record(event: RecordedEvent): void {
    if (!this.#hasRoomFor(event)) return this.#options.onLost?.(1);
    this.#add({ kind: 'outcome', event });
  }

  /** Records how a request ended that has an intent. Where the spool has that, this is always kept, and nothing waits for it. */
  recordEnding(event: AuditEnding, intent: Intent): void {
    const isKept = isInSpool(intent) ? !this.#isClosed : this.#hasRoomFor(wholeEvent(intent.event, event));
    if (!isKept) return this.#options.onLost?.(1);
    const item: Item = { kind: 'ending', event, intent };
    if (!isInSpool(intent) || this.#items.length >= maxHeld) return this.#add(item);
    this.#items.push(item);
    if (!this.#retry) this.#hold ??= setTimeout(() => this.writeHeld(), holdMs);
  }

  /** Writes what waits for a link, for whoever is about to read. */
  writeHeld(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    if (this.#items.length > 0 && !this.#retry && !this.#isClosed) this.#flush();
  }

  /** Writes what is left, and gives it to the queue for at most `timeoutMs`; the rest waits in the spool for the next start. */
  async close(timeoutMs: number): Promise<void> {
    const { log, onLost } = this.#options;
    clearImmediate(this.#turn);
    clearTimeout(this.#hold);
    if (this.#spool.isLost) this.#beginAnew();
    this.#flush();
    this.#isClosed = true;
    this.#endRetry();
    if (this.#items.length > 0) {
      onLost?.(this.#items.length);
      log.error({ count: this.#items.length }, 'audit events were lost: the spool could not be written before the end');
    }
    const [spool, delivery] = [this.#spool, this.#delivery];
    spool.close();
    // Whoever has taken the folder ends the boot.
    if (spool.isLost) return delivery.stop();
    delivery.end();
    const deadline = performance.now() + timeoutMs;
    while (!delivery.isDone && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    delivery.stop();
    if (delivery.isDone) return;
    log.warn(
      { bytes: spool.bytes },
      'a part of the audit trail is not written yet: it waits in the spool for the next start',
    );
  }

  #hasRoomFor({ decision, agentId }: RecordedEvent): boolean {
    if (this.#isClosed) return false;
    if (decision === 'allow' && agentId !== undefined) return true;
    const { maxBytes, maxWaiting } = this.#options;
    const share = agentId === undefined ? 0.5 : 0.75;
    if (this.spoolBytes >= maxBytes * share) return false;
    return !this.#retry || this.#items.length < maxWaiting * share;
  }

  #add(item: Item): void {
    this.#items.push(item);
    if (this.#retry || this.#isClosed) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      if (!this.#retry) this.#flush();
    });
  }

  /** Writes the entries of this turn, as one link if it can hold them. Gives whether they are written. */
  #flush(): boolean {
    const waiting = this.#waiting;
    const { faults } = this.#spool;
    this.#waiting = undefined;
    let isWritten = true;
    while (isWritten && this.#items.length > 0) isWritten = this.#writeLink();
    this.#settle(waiting, isWritten, faults);
    return isWritten;
  }

  #writeLink(): boolean {
    const [spool, delivery] = [this.#spool, this.#delivery];
    const first = this.#sequence;
    const { count, lines } = linesOf(this.#items, first, this.#intents);
    const mac = this.#macs.next(this.#mac, lines);
    try {
      spool.append({ first, count, text: lines, end: `#${mac}\n` }, this.#mac);
    } catch (error) {
      this.#suffer(error);
      return false;
    }
    this.#items = count === this.#items.length ? [] : this.#items.slice(count);
    this.#sequence += count;
    this.#mac = mac;
    delivery.wake();
    return true;
  }

  /** @param faults of the medium that were known before it was written */
  #settle(waiting: Waiting | undefined, isWritten: boolean, faults: number): void {
    const { mode, keptWithinMs } = this.#options;
    const delivery = this.#delivery;
    if (!waiting) return;
    if (mode === 'default' || !isWritten) return waiting.settle(isWritten);
    waiting.refuseIn(keptWithinMs);
    if (mode === 'strict')
      return void delivery.whenHanded(this.#sequence - 1).then((isThere) => waiting.settle(isThere));
    this.#medium.settle({ waiting, faults, spool: this.#spool });
  }

  /** The spool cannot be written. Intents are refused; what happened already stays here until it can. */
  #suffer(error: unknown): void {
    const { log } = this.#options;
    const items = this.#items;
    this.#items = items.filter(({ kind }) => kind === 'outcome' || kind === 'ending');
    for (const item of items) if (item.kind === 'intent') item.intent.sequence = undefined;
    if (!this.#retry) log.error({ err: error }, 'the audit spool cannot be written: requests are refused');
    this.#retryLater();
  }

  /** The worker is not ready from now on, although nobody asks anything of it. What waits for this turn's write is refused. */
  #lose(error: Error): void {
    if (this.#retry || this.#isClosed) return;
    if (this.#items.length > 0) this.#flush();
    else this.#suffer(error);
  }

  #retryLater(): void {
    this.#endRetry();
    this.#retry = setTimeout(() => this.#tryAgain(), retryMs);
  }

  #endRetry(): void {
    clearTimeout(this.#retry as NodeJS.Timeout | undefined);
    clearImmediate(this.#retry as NodeJS.Immediate | undefined);
    this.#retry = undefined;
  }

  /** Another has the folder, and gives what is in it to the queue: what happens from here on is a run of its own. */
  #beginAnew(): void {
    const { begin, macKey, worker, log } = this.#options;
    this.#delivery.stop();
    this.#spool.close();
    const { bootId, spool, delivery } = begin();
    [this.#spool, this.#delivery, this.#sequence] = [spool, delivery, 0];
    this.#run.isOver = true;
    this.#run = { isOver: false };
    this.#mac = chainStart(macKey, worker, bootId);
    spool.whenLost((error) => this.#lose(error));
    log.warn({ boot: bootId }, 'the folder of the audit spool was taken away: the trail goes on in a new one');
  }

  /** Link by link, since much may have gathered: requests that take no secret along go on between them. */
  #tryAgain(): void {
    const { log } = this.#options;
    try {
      if (this.#spool.isLost) this.#beginAnew();
      this.#spool.probe(this.#sequence, this.#mac);
    } catch {
      return this.#retryLater();
    }
    if (this.#items.length > 0 && !this.#writeLink()) return;
    if (this.#items.length > 0) return void (this.#retry = setImmediate(() => this.#tryAgain()));
    this.#endRetry();
    log.info('the audit spool can be written again');
  }
}
