/**
 * Keeps a worker's configuration at the newest revision: it hears of one by the bus, and looks by itself once a second
 * in case a message was lost. The store may be away for any time: the last good configuration stays in force.
 */
import type { Snapshot } from '@onecli/shared/domain/snapshot';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import type { ConfigChanges, SnapshotSource } from '@onecli/shared/ports/snapshot-source';
import type { Logger } from 'pino';
import { applyChanges, type Openers } from './apply-changes.ts';
import { Configuration } from './configuration.ts';
import type { WorkerKeys } from './worker-keys.ts';

export interface FollowOptions extends Openers {
  readonly source: SnapshotSource;
  readonly bus: ConfigBus;
  readonly keys: Pick<WorkerKeys, 'generation' | 'hasOutgrownTerms' | 'take' | 'forgetOutgrown'>;
  readonly log: Logger;
  readonly lookEveryMs: number;
  /** Called with each configuration before it is in force; throwing keeps the previous one. */
  readonly prepare?: (snapshot: Snapshot) => void;
  /** Called with each configuration that has come into force. */
  readonly onApplied?: (configuration: Configuration) => void;
}

/** Holds the configuration in force and follows the store. */
export class FollowedConfiguration {
  readonly #options: FollowOptions;
  #current: Configuration | undefined;
  #refreshing: Promise<void> | undefined;
  #isStale = false;
  #isLooking = false;
  #isStoreReachable = false;
  #applied: () => void = () => undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** The configuration in force; undefined until the first one was loaded. */
  get current(): Configuration | undefined {
    return this.#current;
  }

  /** False while the store cannot be read: what is in force may be old. */
  get isStoreReachable(): boolean {
    return this.#isStoreReachable;
  }

  /**
   * Loads the first configuration (retrying until it can) and follows until `signal` aborts. `applied` is called whenever
   * another one is in force.
   */
  async start(signal: AbortSignal, applied?: () => void): Promise<void> {
    if (applied) this.#applied = applied;
    while (!this.#current && !signal.aborted) {
      await this.refresh();
      if (!this.#current) await pause(200, signal);
    }
    if (signal.aborted) return;
    const looking = setInterval(() => void this.#look(), this.#options.lookEveryMs);
    signal.addEventListener('abort', () => clearInterval(looking), { once: true });
    void this.#options.bus
      .listen((revision) => this.#heard(revision), signal)
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'the bus ended: changes are found by looking');
      });
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

  #heard(revision: number): void {
    if (revision > (this.#current?.revision ?? -1)) void this.refresh();
  }

  async #look(): Promise<void> {
    // A store that does not answer must not be asked again and again at the same time.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { revision, keyGeneration } = await this.#options.source.position();
      this.#isStoreReachable = true;
      const isNewer = revision > (this.#current?.revision ?? -1);
      if (isNewer || keyGeneration !== this.#options.keys.generation) await this.refresh();
      else if (revision < (this.#current?.revision ?? -1))
        this.#options.log.error(
          { revision, applied: this.#current?.revision },
          'the store went back to an older revision: refused',
        );
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
    const applied = this.#current?.revision;
    const changes = await this.#read(applied);
    if (applied !== undefined && !isNews(changes, applied)) return;
    const next = applyChanges(this.#current?.snapshot, changes, this.#options);
    this.#options.prepare?.(next);
    this.#current = new Configuration(next, this.#current);
    if (changes.isWhole) this.#options.keys.forgetOutgrown();
    this.#options.onApplied?.(this.#current);
    this.#options.log.debug({ revision: next.revision, isWhole: changes.isWhole }, 'configuration applied');
    this.#applied();
  }

  /** The changes, with their keys taken up. When a key term is gone all is read: rows here may be sealed under it. */
  async #read(applied: number | undefined): Promise<ConfigChanges> {
    const { source, keys } = this.#options;
    const changes = await source.changesSince(applied);
    keys.take(changes.keys);
    if (changes.isWhole || !keys.hasOutgrownTerms) return changes;
    const whole = await source.changesSince(undefined);
    keys.take(whole.keys);
    return whole;
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

/** The same revision as a whole is news too: its rows may be sealed under other keys. */
function isNews(changes: ConfigChanges, applied: number): boolean {
  return changes.revision > applied || (changes.isWhole && changes.revision === applied);
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
