/**
 * What happens is recorded here: an intent before a secret leaves, an outcome when a request is over, each exit exactly once. The
 * entries of one turn of the event loop are a link of the chain, and go to the spool with one write at the end of that turn,
 * ahead of what waits for it. When they cannot be written, requests are refused: one that is not recorded must not happen.
 */
import {
  type AuditBeginning,
  type AuditEnding,
  writeFurtherIntent,
  writeIntent,
  writeLoneOutcome,
  writeOutcome,
} from '@onecli/shared/domain/audit-entry';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { chainStart, LinkMacs } from '@onecli/shared/vault/audit-chain';
import type { Logger } from 'pino';
import type { AuditMode } from './audit-mode.ts';
import type { Delivery } from './spool/delivery.ts';
import type { Spool } from './spool/spool.ts';

export interface AuditTrailOptions {
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly worker: string;
  readonly bootId: string;
  /** The instance's key for `audit-mac`. */
  readonly macKey: Buffer;
  readonly mode: AuditMode;
  readonly log: Logger;
  /** Of the spool: with more in it nothing is allowed. */
  readonly maxBytes: number;
  /** Refusals that are kept in memory while the spool cannot be written. */
  readonly maxWaiting: number;
  /** What earlier boots have left in the spool. */
  readonly leftBytes: () => number;
  readonly onLost?: (count: number) => void;
}

export type IntendedEvent = AuditBeginning & Pick<AuditEvent, 'timeMs' | 'rule' | 'secrets'>;
/** An event as the request path knows it: the trail adds where and in which order. */
export type RecordedEvent = AuditBeginning & AuditEnding;

/** That a request's secrets are about to leave. */
export interface Intent {
  /** Its place in the order, once it is in the spool. */
  sequence: number | undefined;
}

type Item =
  | { readonly kind: 'intent'; readonly event: IntendedEvent; readonly intent: Intent }
  | {
      readonly kind: 'further';
      readonly event: Pick<AuditEvent, 'timeMs' | 'secrets'>;
      readonly intent: Intent;
    }
  | { readonly kind: 'outcome'; readonly event: RecordedEvent; readonly intent: Intent | undefined };

const retryMs = 250;

export class AuditTrail {
  readonly #options: AuditTrailOptions;
  #items: Item[] = [];
  #waiting: Waiting | undefined;
  #sequence = 0;
  readonly #macs: LinkMacs;
  #mac: string;
  #turn: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #unsynced: Waiting[] = [];
  #isSyncing = false;
  #isClosed = false;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#macs = new LinkMacs(options.macKey);
    this.#mac = chainStart(options.macKey, options.worker, options.bootId);
  }

  /** False when a request must be refused, because it could not be recorded. */
  get hasRoom(): boolean {
    return this.#retry === undefined && this.spoolBytes < this.#options.maxBytes;
  }

  /** False since the queue last refused a batch. */
  get isQueueReachable(): boolean {
    return this.#options.delivery.isQueueReachable;
  }

  /** Entries that the queue has not taken yet. */
  get pendingCount(): number {
    return this.#sequence - 1 - this.#options.delivery.handedThrough + this.#items.length;
  }

  /** What the spool holds. */
  get spoolBytes(): number {
    return this.#options.spool.bytes + this.#options.leftBytes();
  }

  /** A request's secrets are about to leave: resolves with whether they may, when the trail has it. */
  intend(event: IntendedEvent): { readonly intent: Intent; readonly kept: Promise<boolean> } {
    const intent: Intent = { sequence: undefined };
    this.#add({ kind: 'intent', event, intent });
    this.#waiting ??= new Waiting();
    return { intent, kept: this.#waiting.promise };
  }

  /**
   * Further secrets are about to leave with a request, at once: gives whether they may. In every mode but the default one that
   * waits for the medium.
   */
  intendNow(intent: Intent | undefined, event: IntendedEvent): Intent | undefined {
    const { mode, spool, log } = this.#options;
    if (!this.hasRoom || this.#isClosed) return undefined;
    const first = intent?.sequence === undefined ? { sequence: undefined } : intent;
    this.#items.push({ kind: first === intent ? 'further' : 'intent', event, intent: first });
    if (!this.#flush()) return undefined;
    try {
      if (mode !== 'default') spool.syncNow();
    } catch (error) {
      log.error({ err: error }, 'the audit spool cannot be brought to the medium');
      return undefined;
    }
    return first;
  }

  /**
   * Records one exit. What was allowed is always kept: `hasRoom` was asked before. Refusals are bounded, or an agent could
   * fill the disk with them; those of strangers take at most half the room, so that they cannot shut agents out.
   */
  record(event: RecordedEvent, intent?: Intent): void {
    const { maxBytes, maxWaiting, onLost } = this.#options;
    if (event.decision === 'deny' || event.agentId === undefined) {
      const share = event.agentId === undefined ? 0.5 : 1;
      const isFull = this.spoolBytes >= maxBytes * share || (this.#retry && this.#items.length >= maxWaiting * share);
      if (isFull) return onLost?.(1);
    }
    if (this.#isClosed) return onLost?.(1);
    this.#add({ kind: 'outcome', event, intent });
  }

  /** Writes what is left, and gives it to the queue for at most `timeoutMs`; the rest waits in the spool for the next start. */
  async close(timeoutMs: number): Promise<void> {
    const { delivery, spool, log, onLost } = this.#options;
    clearImmediate(this.#turn);
    this.#flush();
    this.#isClosed = true;
    clearTimeout(this.#retry);
    if (this.#items.length > 0) {
      onLost?.(this.#items.length);
      log.error({ count: this.#items.length }, 'audit events were lost: the spool could not be written before the end');
    }
    spool.close();
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

  #add(item: Item): void {
    this.#items.push(item);
    if (this.#retry || this.#isClosed) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#flush();
    });
  }

  /** Writes the entries of this turn as one link. Gives whether they are written. */
  #flush(): boolean {
    const items = this.#items;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (items.length === 0) return true;
    const { spool, delivery } = this.#options;
    const first = this.#sequence;
    let lines = '';
    let sequence = first;
    for (const item of items) lines += `${lineOf(item, sequence++)}\n`;
    const mac = this.#macs.next(this.#mac, lines);
    try {
      spool.append({ first, count: items.length, text: `${lines}#${mac}\n` }, this.#mac);
    } catch (error) {
      this.#suffer(error, items);
      waiting?.settle(false);
      return false;
    }
    this.#items = [];
    this.#sequence = sequence;
    this.#mac = mac;
    delivery.wake();
    if (waiting) this.#settle(waiting);
    return true;
  }

  #settle(waiting: Waiting): void {
    switch (this.#options.mode) {
      case 'default':
        return waiting.settle(true);
      case 'strict':
        return void this.#options.delivery.whenHanded(this.#sequence - 1).then((isThere) => waiting.settle(isThere));
      case 'durable':
        this.#unsynced.push(waiting);
        if (!this.#isSyncing) void this.#sync();
    }
  }

  /** One call for all that came while the last one ran. */
  async #sync(): Promise<void> {
    this.#isSyncing = true;
    while (this.#unsynced.length > 0) {
      const group = this.#unsynced.splice(0);
      let isThere = true;
      try {
        await this.#options.spool.sync();
      } catch (error) {
        isThere = false;
        this.#options.log.error(
          { err: error },
          'the audit spool cannot be brought to the medium: requests are refused',
        );
      }
      for (const waiting of group) waiting.settle(isThere);
    }
    this.#isSyncing = false;
  }

  /** The spool cannot be written. Intents are refused; what happened already stays here until it can. */
  #suffer(error: unknown, items: readonly Item[]): void {
    const { log } = this.#options;
    this.#items = items.filter((item) => item.kind === 'outcome');
    for (const { kind, intent } of items) if (kind === 'intent' && intent) intent.sequence = undefined;
    if (!this.#retry) log.error({ err: error }, 'the audit spool cannot be written: requests are refused');
    this.#retryLater();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), retryMs);
  }

  #tryAgain(): void {
    const { spool, log } = this.#options;
    try {
      spool.probe(this.#sequence, this.#mac);
      if (!this.#flush()) return;
    } catch {
      return this.#retryLater();
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    log.info('the audit spool can be written again');
  }
}

/** The line of an entry; an intent learns its place. */
function lineOf(item: Item, sequence: number): string {
  switch (item.kind) {
    case 'intent':
      item.intent.sequence = sequence;
      return writeIntent(sequence, item.event);
    case 'further':
      return writeFurtherIntent(sequence, item.intent.sequence ?? sequence, item.event);
    case 'outcome': {
      const of = item.intent?.sequence;
      return of === undefined ? writeLoneOutcome(sequence, item.event) : writeOutcome(sequence, of, item.event);
    }
  }
}

/** All that wait for one write. */
class Waiting {
  readonly promise: Promise<boolean>;
  settle: (isKept: boolean) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.settle = resolve));
  }
}
