import type { Logger } from 'pino';
import type { Waiting } from '../waiting.ts';
import type { Spool } from './spool.ts';

/** Entries that were written to a spool, and who waits until the medium has them. */
interface Unsynced {
  readonly waiting: Waiting;
  /** Of the medium, known before they were written. */
  readonly faults: number;
  readonly spool: Spool;
}

/** Brings what was written to the medium, with one call for all that came while the last one ran. */
export class Medium {
  readonly #current: () => Spool;
  readonly #log: Logger;
  #unsynced: Unsynced[] = [];
  #isSyncing = false;

  /** @param current the spool that is written to now */
  constructor(current: () => Spool, log: Logger) {
    this.#current = current;
    this.#log = log;
  }

  /** Settles who waits when the medium has the entries, or will not have them. */
  settle(unsynced: Unsynced): void {
    this.#unsynced.push(unsynced);
    if (!this.#isSyncing) void this.#sync();
  }

  /** The system tells a fault to one caller, once: it is that of everybody whose entries were not yet there. */
  has(faults: number, spool: Spool): boolean {
    // What another has taken meanwhile may be anywhere.
    if (spool !== this.#current()) return false;
    if (spool.faults === faults) return true;
    this.#log.error({ err: spool.fault }, 'the audit spool cannot be brought to the medium: requests are refused');
    return false;
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true;
    while (this.#unsynced.length > 0) {
      const group = this.#unsynced.splice(0);
      await this.#current().sync();
      for (const { waiting, faults, spool } of group) waiting.settle(this.has(faults, spool));
    }
    this.#isSyncing = false;
  }
}
