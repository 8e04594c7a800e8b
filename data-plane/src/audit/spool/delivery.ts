/** Gives what lies in the spool to the queue, in batches, and keeps it until the control plane has written it. */
import type { AuditConfirmations, AuditQueue, TrailBatch } from '@onecli/shared/ports/audit-queue';
import type { Logger } from 'pino';
import type { BootFolder } from './boot-folder.ts';
import { type ReadLink, SegmentChain } from './segment-chain.ts';
import type { Segment } from './spool.ts';
import type { SpoolDisk } from './spool-disk.ts';

export interface DeliveryOptions {
  readonly disk: SpoolDisk;
  /** The instance's key for `audit-spool`. */
  readonly key: Buffer;
  readonly folder: BootFolder;
  /** Its files, in their order; more may come. */
  readonly segments: readonly Segment[];
  readonly queue: AuditQueue;
  readonly confirmations: AuditConfirmations;
  readonly log: Logger;
  /** Under load, links are given to the queue this often; after a pause the first go at once. */
  readonly flushEveryMs: number;
  /** How often the store is asked what is written for good. */
  readonly askEveryMs: number;
  /** What is not written by then is given again, then after twice as long, at most six times as long. */
  readonly againMs: number;
  /** The highest sequence that is known to be written for good; -1 for none. */
  readonly writtenThrough: number;
  /** Batches that are known to be on their way; the rest stays on the disk alone. */
  readonly maxHanded?: number;
  /** Called before the files are read: what is about to be written to them may as well be there. */
  readonly beforeReading?: () => void;
  /** What is written for good may go. */
  readonly onWritten: (through: number) => void;
}

/** Given to the queue, and not known to be written. */
interface Handed {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  readonly isEnd: boolean;
  /** When it is given again, if it is not written by then. */
  againAtMs: number;
  waitMs: number;
}

const retryMs = 500;
const gatherMs = 10;
/** Text of one batch: it is read, decrypted and handed to a thread between two requests. */
const maxBatchBytes = 256 * 1024;
/** At the end, when somebody waits for it. */
const askSoonMs = 100;
const defaultMaxHanded = 20_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  #chain: SegmentChain;
  #handed: Handed[] = [];
  /** Read, and not yet given to the queue. */
  #next: TrailBatch | undefined;
  #nextSequence: number | undefined;
  #handedThrough = -1;
  #writtenThrough: number;
  #isEndKnown = false;
  #isEndHanded = false;
  #isEnding = false;
  #isStopped = false;
  #isAway = false;
  /** The last batch had something in it: there may be more. */
  #isMore = false;
  /** It was as large as they get: there is more, and the queue is behind. */
  #isMuch = false;
  #timer: NodeJS.Timeout | undefined;
  #askTimer: NodeJS.Timeout | undefined;
  #isWorking = false;
  #turnedAtMs = -Infinity;
  #waiting: { readonly sequence: number; readonly settle: (isThere: boolean) => void }[] = [];

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#chain = this.#newChain();
    this.#writtenThrough = options.writtenThrough;
  }

  /** False since the queue last refused a batch. */
  get isQueueReachable(): boolean {
    return !this.#isAway;
  }

  /** The queue has taken every entry up to this one. */
  get handedThrough(): number {
    return this.#handedThrough;
  }

  /** Everything is written for good, the end of the boot too. */
  get isDone(): boolean {
    return this.#isEndKnown;
  }

  /** There is something new. @param isUrgent somebody waits for it */
  wake(isUrgent = false): void {
    if (this.#isWorking || this.#isStopped) return;
    if (this.#timer && !isUrgent) return;
    if (this.#isAway && this.#timer) return;
    const { flushEveryMs } = this.#options;
    const turnMs = this.#turnedAtMs + flushEveryMs - performance.now();
    this.#wakeIn(isUrgent ? 0 : Math.max(turnMs, Math.min(gatherMs, flushEveryMs)));
  }

  /** Resolves when the queue has an entry, with false when it refused it. */
  whenHanded(sequence: number): Promise<boolean> {
    if (sequence <= this.#handedThrough) return Promise.resolve(true);
    return new Promise((settle) => {
      this.#waiting.push({ sequence, settle });
      this.wake(true);
    });
  }

  /** No more will come: the boot is over once all is given. */
  end(): void {
    this.#isEnding = true;
    this.wake(true);
  }

  /** Lets the disk keep what is not written yet. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#askTimer);
    this.#settle(Infinity, false);
  }

  #newChain(): SegmentChain {
    const { disk, key, segments, log } = this.#options;
    return new SegmentChain(disk, key, segments, (path) =>
      log.warn({ path }, 'a file of the audit spool ends within a record: its process was killed while it wrote'),
    );
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // From here on: what is written before it reads is read by it, and wakes it no second time.
      this.#isWorking = true;
      void this.#turn().then(() => this.#afterTurn());
    }, ms);
  }

  #afterTurn(): void {
    this.#isWorking = false;
    if (this.#isStopped || this.#isEndKnown) return;
    if (this.#isAway) this.#wakeIn(retryMs);
    else if (this.#next) this.#wakeIn(this.#handed.length > 0 && !this.#mayGo(this.#next) ? gatherMs : 0);
    else if (this.#waiting.length > 0 || this.#isMuch || (this.#isEnding && !this.#isEndHanded)) this.wake(true);
    else if (this.#isMore) this.wake();
    if (this.#handed.length > 0) this.#askTimer ??= setTimeout(() => void this.#ask(), this.#askInMs);
  }

  get #askInMs(): number {
    const { askEveryMs } = this.#options;
    return this.#isEnding ? Math.min(askSoonMs, askEveryMs) : askEveryMs;
  }

  async #turn(): Promise<void> {
    this.#turnedAtMs = performance.now();
    try {
      this.#options.beforeReading?.();
      this.#next ??= await this.#read();
      const batch = this.#next;
      if (!batch) return;
      // It may be long until the control plane has written enough: who waits is refused.
      if (!this.#mayGo(batch)) return this.#settle(Infinity, false);
      const id = `${batch.worker}-${batch.boot}-${batch.first}-${batch.last}${batch.isEnd ? '-end' : ''}`;
      const oldest = this.#handed[0]?.first ?? batch.first;
      await this.#options.queue.add(id, { ...batch, oldest });
      this.#next = undefined;
      this.#taken(id, batch);
    } catch (error) {
      if (!this.#isAway) this.#options.log.warn({ err: error }, 'the audit queue is away: the spool keeps the trail');
      this.#isAway = true;
      this.#settle(Infinity, false);
    }
  }

  #taken(id: string, { first, last, isEnd }: TrailBatch): void {
    if (this.#isAway) this.#options.log.info('the audit queue is back');
    this.#isAway = false;
    if (isEnd) this.#isEndHanded = true;
    const { againMs: waitMs } = this.#options;
    this.#handed.push({ id, first, last, isEnd, againAtMs: performance.now() + waitMs, waitMs });
    this.#handedThrough = Math.max(this.#handedThrough, last);
    this.#nextSequence = last + 1;
    this.#settle(last, true);
  }

  /** Not beyond a hole in the files while what is before it may still have to be given again. */
  #mayGo({ first }: TrailBatch): boolean {
    if (this.#handed.length >= (this.#options.maxHanded ?? defaultMaxHanded)) return false;
    return this.#handed.length === 0 || first === this.#nextSequence;
  }

  async #read(): Promise<TrailBatch | undefined> {
    const links: ReadLink[] = await this.#chain.read(maxBatchBytes);
    const { worker, boot } = this.#options.folder;
    const [link] = links;
    const last = links.at(-1);
    const text = links.map((each) => each.text).join('');
    this.#isMore = link !== undefined;
    this.#isMuch = text.length >= maxBatchBytes / 2;
    if (link && last) {
      const { first, previousMac } = link;
      return { worker, boot, first, last: last.first + last.count - 1, oldest: 0, previousMac, isEnd: false, text };
    }
    if (!this.#isEnding || this.#isEndHanded) return undefined;
    const first = this.#nextSequence ?? this.#writtenThrough + 1;
    const { previousMac } = this.#chain;
    return { worker, boot, first, last: first - 1, oldest: 0, previousMac, isEnd: true, text: '' };
  }

  #settle(through: number, isThere: boolean): void {
    const ready = this.#waiting.filter(({ sequence }) => sequence <= through);
    this.#waiting = this.#waiting.filter(({ sequence }) => sequence > through);
    for (const { settle } of ready) settle(isThere);
  }

  async #ask(): Promise<void> {
    const { confirmations, folder, log } = this.#options;
    try {
      const written = await confirmations.written(folder.worker, folder.boot);
      this.#forget(written?.through ?? -1, written?.isEnded ?? false);
      if (!this.#isAway && !this.#isStopped) await this.#giveAgain();
    } catch (error) {
      log.debug({ err: error }, 'how far the audit trail is written is not known now');
    }
    this.#askTimer = undefined;
    if (this.#isStopped || this.#isEndKnown) return;
    if (this.#handed.length > 0) this.#askTimer = setTimeout(() => void this.#ask(), this.#askInMs);
    if (this.#next) this.wake(true);
  }

  #forget(through: number, isEnded: boolean): void {
    // Nobody can have written what was never given: somebody else says so.
    if (through > Math.max(this.#handedThrough, this.#writtenThrough)) {
      this.#options.log.error(
        { through, handed: this.#handedThrough },
        'the store names more of the audit trail than it was given: nothing is freed',
      );
      return;
    }
    // A database that was restored knows less than before: everything that is still here is given anew.
    if (through < this.#writtenThrough) {
      this.#chain = this.#newChain();
      this.#handed = [];
      this.#next = undefined;
      this.#isEndHanded = false;
    }
    this.#writtenThrough = through;
    this.#isEndKnown = isEnded && this.#isEndHanded;
    this.#handed = this.#handed.filter(({ last, isEnd }) => last > through || (isEnd && !isEnded));
    this.#options.onWritten(through);
    this.wake();
  }

  /** What was given long ago and is not written may have been lost by the queue: it is given again, as it was. */
  async #giveAgain(): Promise<void> {
    const nowMs = performance.now();
    const due = this.#handed.filter(({ againAtMs }) => againAtMs <= nowMs);
    if (due.length === 0) return;
    const chain = this.#newChain();
    let links: ReadLink[] = [];
    for (const handed of due) {
      while ((links.at(-1)?.first ?? -1) < handed.last && !handed.isEnd) {
        const more = await chain.read(maxBatchBytes);
        if (more.length === 0) break;
        links = [...links, ...more].filter(({ first }) => first >= handed.first);
      }
      const own = links.filter(({ first }) => first >= handed.first && first <= handed.last);
      const { worker, boot } = this.#options.folder;
      const { id, first, last, isEnd } = handed;
      const previousMac = own[0]?.previousMac ?? this.#chain.previousMac;
      const oldest = this.#handed[0]?.first ?? first;
      const text = own.map((each) => each.text).join('');
      if (text === '' && !isEnd) continue;
      await this.#options.queue.add(id, { worker, boot, first, last, oldest, previousMac, isEnd, text });
      handed.waitMs = Math.min(2 * handed.waitMs, 6 * this.#options.againMs);
      handed.againAtMs = performance.now() + handed.waitMs;
    }
  }
}
