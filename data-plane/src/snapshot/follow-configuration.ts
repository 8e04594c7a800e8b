/**
 * Keeps a worker's configuration at the newest revision: it hears of one by the bus, and looks by itself once a second
 * in case a message was lost. The store may be away for any time: the last good configuration stays in force.
 */
import type { Snapshot } from '@onecli/shared/domain/snapshot';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import type { ConfigChanges, SnapshotSource } from '@onecli/shared/ports/snapshot-source';
import type { Logger } from 'pino';
import { ageMs, later, type Moment, never, now, writtenDown } from './age.ts';
import { applyChanges, type Openers } from './apply-changes.ts';
import { Configuration } from './configuration.ts';
import type { EpochGuard } from './epoch-guard.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { KeptConfiguration } from './kept-records.ts';
import type { LastKnownGood } from './last-known-good.ts';
import type { WorkerKeys } from './worker-keys.ts';

export interface FollowOptions extends Openers {
  readonly source: SnapshotSource;
  readonly bus: ConfigBus;
  readonly epochs: Pick<EpochGuard, 'judge' | 'take'>;
  readonly keys: Pick<WorkerKeys, 'generation' | 'isMasterKeyCurrent' | 'hasOutgrownRows' | 'take' | 'forgetOutgrown'>;
  readonly log: Logger;
  readonly lookEveryMs: number;
  /** Called with each configuration before it is in force; throwing keeps the previous one. */
  readonly prepare?: (snapshot: Snapshot) => void;
  /** Called with each configuration that has come into force. Resolves when nothing goes on that it does not allow. Never rejects. */
  readonly onApplied?: (configuration: Configuration) => Promise<void>;
  /** Where the configuration in force is kept for a restart. */
  readonly keeping?: Pick<LastKnownGood, 'applied' | 'confirmed'> | undefined;
  /** What was kept before this start. `isStoreAway`: the store did not answer just now, and is not waited for. */
  readonly kept?: KeptConfiguration | undefined;
  readonly isStoreAway?: boolean;
}

/** With a configuration that was kept, the store gets so long to tell a newer one before the first request. */
const patienceMs = 5_000;

/**
 * Why what the store holds is not taken: it went back to an older revision, a restore awaits its confirmation, or its epoch was
 * confirmed by nobody who may.
 */
export type StoreRefusal = 'WENT_BACK' | 'UNCONFIRMED_RESTORE' | 'EPOCH_FORGED' | 'OTHER_INSTANCE';

/** Holds the configuration in force and follows the store. */
export class FollowedConfiguration {
  readonly #options: FollowOptions;
  #current: Configuration | undefined;
  #refreshing: Promise<void> | undefined;
  #isStale = false;
  #isLooking = false;
  #isStoreReachable = false;
  #reports: Pick<Heartbeat, 'send'> = { send: () => Promise.resolve() };
  #refusal: StoreRefusal | undefined;
  #takenCount = 0;
  #settledCount = 0;
  #settledRevision = 0;
  #confirmedAt: Moment = never;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** The configuration in force; undefined until the first one was loaded. */
  get current(): Configuration | undefined {
    return this.#current;
  }

  /** The revision that is in force, and against which nothing goes on any more; 0 until there is one. */
  get settledRevision(): number {
    return this.#settledRevision;
  }

  /** False while the store cannot be read: what is in force may be old. */
  get isStoreReachable(): boolean {
    return this.#isStoreReachable;
  }

  /** Why the store is not followed now, although it can be read. */
  get refusal(): StoreRefusal | undefined {
    return this.#refusal;
  }

  /**
   * How long ago the store last said that what is in force is the newest, in milliseconds: the time of the question counts, not
   * that of the answer, and the time that the machine slept. Infinite before the first time.
   */
  get unconfirmedMs(): number {
    return ageMs(this.#confirmedAt);
  }

  /** False when the master key was replaced in the store: this process has to be restarted with the new one. */
  get isMasterKeyCurrent(): boolean {
    return this.#options.keys.isMasterKeyCurrent;
  }

  /**
   * Loads the first configuration (retrying until it can, or from what was kept) and follows until `signal` aborts. `reports` are
   * sent before the store is read, and whenever another configuration is in force.
   */
  async start(signal: AbortSignal, reports = this.#reports): Promise<void> {
    this.#reports = reports;
    const isKept = this.#useKept();
    this.#listen(signal);
    if (isKept && this.#options.isStoreAway !== true) await Promise.race([this.#enter(), pause(patienceMs, signal)]);
    while (!this.#current && !signal.aborted) {
      await this.#enter();
      if (!this.#current) await pause(200, signal);
    }
    if (signal.aborted) return;
    const looking = setInterval(() => void this.#look(), this.#options.lookEveryMs);
    signal.addEventListener('abort', () => clearInterval(looking), { once: true });
  }

  /** Brings the configuration up to date, once at a time: a call during a load runs one more after it. */
  refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#isStale = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#loadUntilFresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Reports first: whoever waits for a revision sees this worker by then, or the revision is in what is read here. */
  async #enter(): Promise<void> {
    await this.#reports.send();
    await this.refresh();
  }

  #listen(signal: AbortSignal): void {
    const { bus, log } = this.#options;
    void bus
      .listen((revision) => this.#heard(revision), signal)
      .catch((error: unknown) => log.error({ err: error }, 'the bus ended: changes are found by looking'));
  }

  #heard(revision: number): void {
    if (revision > (this.#current?.revision ?? -1)) void this.refresh();
  }

  async #look(): Promise<void> {
    // A store that does not answer must not be asked again and again at the same time.
    if (this.#isLooking) return;
    this.#isLooking = true;
    const askedAt = now();
    try {
      const position = await this.#options.source.position();
      this.#isStoreReachable = true;
      const isNewKeys = position.keyGeneration !== this.#options.keys.generation;
      const verdict = this.#judge(position);
      if (verdict === 'newer' || (isNewKeys && this.#refusal === undefined)) await this.refresh();
      else if (verdict === 'same') this.#confirmed(askedAt);
    } catch (error) {
      this.#storeAway(error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #loadUntilFresh(): Promise<void> {
    do {
      this.#isStale = false;
      try {
        await this.#load();
        this.#isStoreReachable = true;
      } catch (error) {
        this.#storeAway(error);
        return;
      }
    } while (this.#isStale);
  }

  async #load(): Promise<void> {
    const askedAt = now();
    const changes = await this.#read();
    if (changes !== undefined) this.#take(changes);
    if (this.#refusal === undefined && this.#current) this.#confirmed(askedAt);
  }

  #take(changes: ConfigChanges, isKept = false): void {
    const { epochs, keys, log, keeping } = this.#options;
    const next = applyChanges(this.#current?.snapshot, changes, this.#options);
    this.#options.prepare?.(next);
    this.#current = new Configuration(next, this.#current, this);
    epochs.take(changes.epoch);
    if (changes.isWhole) keys.forgetOutgrown();
    keeping?.applied(changes, next, isKept);
    log.debug({ revision: next.revision, isWhole: changes.isWhole }, 'configuration applied');
    void this.#settle(this.#current, ++this.#takenCount);
  }

  async #settle(configuration: Configuration, place: number): Promise<void> {
    await this.#options.onApplied?.(configuration);
    // Of two that were taken shortly after one another, either may be settled first.
    if (place <= this.#settledCount) return;
    this.#settledCount = place;
    this.#settledRevision = configuration.revision;
    void this.#reports.send();
  }

  /** Puts what was kept in force. False when there is nothing, or not all of it opens. */
  #useKept(): boolean {
    const { kept, log } = this.#options;
    if (kept === undefined) return false;
    try {
      this.#take(kept.changes, true);
    } catch (error) {
      log.error({ err: error }, 'the configuration that was kept does not open: the database is waited for');
      return false;
    }
    this.#confirmedAt = writtenDown(kept.confirmedAtMs);
    log.info(
      { revision: kept.changes.revision, confirmedAt: new Date(kept.confirmedAtMs) },
      'configuration as it was kept',
    );
    return true;
  }

  #confirmed(askedAt: Moment): void {
    this.#confirmedAt = later(this.#confirmedAt, askedAt);
    this.#options.keeping?.confirmed();
  }

  /** What is to be applied, with its keys taken up; undefined when there is nothing. What is refused leaves no trace. */
  async #read(): Promise<ConfigChanges | undefined> {
    const { source, keys, epochs } = this.#options;
    let changes = await source.changesSince(this.#current?.revision);
    if (this.#judge(changes) === 'refused') return undefined;
    keys.take(changes.keys);
    // Rows here may be sealed under a term that is gone, without the MAC that they have now, or of another life of the store.
    const isAnew = keys.hasOutgrownRows || epochs.judge(changes.epoch) === 'next';
    if (isAnew && !changes.isWhole) {
      changes = await source.changesSince(undefined);
      if (this.#judge(changes) === 'refused') return undefined;
      keys.take(changes.keys);
    }
    return isAnew || changes.revision > (this.#current?.revision ?? -1) ? changes : undefined;
  }

  /** Whether the store is to be followed: a step back only into an epoch that an operator has confirmed. */
  #judge({ revision, epoch }: Pick<ConfigChanges, 'revision' | 'epoch'>): 'newer' | 'same' | 'refused' {
    const applied = this.#current?.revision ?? -1;
    const verdict = this.#options.epochs.judge(epoch);
    switch (verdict) {
      case 'next':
        this.#refused(undefined, revision);
        return 'newer';
      case 'same':
        this.#refused(revision < applied ? 'WENT_BACK' : undefined, revision);
        return revision < applied ? 'refused' : revision > applied ? 'newer' : 'same';
      case 'unconfirmed':
        this.#refused('UNCONFIRMED_RESTORE', revision);
        return 'refused';
      case 'forged':
        this.#refused('EPOCH_FORGED', revision);
        return 'refused';
      case 'foreign':
        this.#refused('OTHER_INSTANCE', revision);
        return 'refused';
    }
  }

  #refused(refusal: StoreRefusal | undefined, revision: number): void {
    if (refusal === this.#refusal) return;
    this.#refusal = refusal;
    const fields = { refusal, revision, applied: this.#current?.revision };
    if (refusal === undefined) this.#options.log.info(fields, 'the store is followed again');
    else
      this.#options.log.error(
        fields,
        refusal === 'OTHER_INSTANCE'
          ? 'the database is of another instance: the last good configuration stays in force; restart this worker if that is meant'
          : 'the store went back to an older revision or another epoch, and nobody has confirmed it: the last good configuration stays in force (onecli restore --confirm)',
      );
  }

  #storeAway(error: unknown): void {
    const isNews = this.#isStoreReachable || !this.#current;
    this.#isStoreReachable = false;
    if (isNews)
      this.#options.log.warn(
        { err: error, revision: this.#current?.revision },
        'the configuration store cannot be read: the last good configuration stays in force',
      );
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
