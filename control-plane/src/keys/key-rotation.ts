/**
 * Moves an instance to a new key term, in steps that the database alone remembers: whoever is killed in the middle is followed
 * by whoever looks next, in this process or another.
 *
 *   announced    the term is stored; every live process learns it, and says so
 *   sealing      new values are sealed with it; the old ones are moved to it, batch by batch
 *   finished     nothing names an older term: those stay for old audit events alone, and go with the last of them
 */
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DataSource, EntityManager } from 'typeorm';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { recordInstanceEvent } from './instance-event.ts';
import { countSealed, holdersWithout, keysChanged, readTerms, reportHolder, type TermView } from './key-store.ts';
import type { KeyTerms } from './key-terms.ts';
import { keepMark, markRowsWhenDue } from './mark-rows.ts';
import type { RowGuard } from './row-guard.ts';
import { type Batch, type BatchPlace, firstPlace, rewrapBatch } from './rewrap-batch.ts';
import { type SealedColumn, sealedColumns } from './sealed-columns.ts';

const lookEveryMs = 1_000;
const batchRows = 200;
/** After a pass that left values which do not open: somebody has to look at them first. */
const blockedPauseMs = 30_000;
const dropEveryMs = 600_000;
/** For so long a control plane that writes rows without MACs is waited for: a row that says there is one is soon forged. */
const markPatienceMs = 3_600_000;

export interface KeyRotationOptions {
  readonly database: DataSource;
  readonly terms: KeyTerms;
  readonly rows: RowGuard;
  /** What this control plane is called where processes are listed. */
  readonly name: string;
  readonly log: Logger;
}

/** Keeps this process at the stored terms; and, as a job of the leader, brings rotations on their way. */
export class KeyRotation implements LeaderJob {
  readonly name = 'key-rotation';
  readonly everyMs = lookEveryMs;
  readonly #options: KeyRotationOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  /** How many values do not open under their term, as found by the last pass. They keep that term alive. */
  #unopenable = 0;
  #nextAdvanceAt = 0;
  #nextDropAt = 0;
  readonly #marksAt = performance.now() + markPatienceMs;

  constructor(options: KeyRotationOptions) {
    this.#options = options;
  }

  /** Takes up the stored terms now, and once a second until `stop`. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Brings a rotation on, and drops terms that nothing needs. The batch in hand ends when the signal aborts. */
  readonly look = async (signal: AbortSignal): Promise<void> => {
    const { database, terms } = this.#options;
    // A process that has the old master key may not make the one step that no other could undo.
    if (!terms.isMasterKeyCurrent) return;
    const stored = await readTerms(database.manager);
    const now = performance.now();
    if (now >= this.#nextDropAt && stored.some(({ state }) => state === 'AUDIT_ONLY')) {
      this.#nextDropAt = now + dropEveryMs;
      await this.#dropUnused();
    }
    if (now >= this.#nextAdvanceAt && stored.some(isUnderWay)) await this.#advance(signal);
  };

  /** Goes on while values are moved: a process that is silent would be taken for dead. */
  #look(): void {
    this.#looking ??= this.#takeUp()
      .catch((error: unknown) => this.#told(error))
      .finally(() => (this.#looking = undefined));
  }

  #told(error: unknown): void {
    if (!this.#stopping.signal.aborted)
      this.#options.log.warn({ err: error }, 'the key terms could not be looked at; they will be in a second');
  }

  /** Takes up the stored terms and reports it. */
  async #takeUp(): Promise<void> {
    const { database, terms, rows, name: holder, log } = this.#options;
    await terms.refresh(database.manager);
    const { isMasterKeyCurrent, keyring } = terms;
    await reportHolder(database, holder, { terms: keyring.terms, isMasterKeyCurrent });
    await markRowsWhenDue(database, { terms, rows, waits: performance.now() < this.#marksAt });
    await keepMark(database, terms, log);
  }

  async #advance(signal: AbortSignal): Promise<void> {
    const { database } = this.#options;
    const stored = await readTerms(database.manager);
    const announced = stored.find(({ state }) => state === 'ANNOUNCED');
    if (announced !== undefined && !(await this.#activate(announced.term))) return;
    await this.#moveAll(signal);
    if (this.#unopenable > 0) this.#nextAdvanceAt = performance.now() + blockedPauseMs;
    else if (!signal.aborted) await this.#retire();
  }

  /** Gives true when the term seals from now on. */
  async #activate(term: number): Promise<boolean> {
    if ((await holdersWithout(this.#options.database.manager, term)).length > 0) return false;
    const isActive = await this.#change(async (manager) => {
      if ((await holdersWithout(manager, term)).length > 0) return false;
      await manager.query('UPDATE key_term SET activated_at = now() WHERE term = $1', [term]);
      await keysChanged(manager);
      await recordInstanceEvent(manager, 'keys:activate', `term ${term}`);
      return true;
    });
    if (isActive) this.#options.log.info({ term }, 'a new key term seals; values are being moved to it');
    return isActive;
  }

  /** Passes over every sealed column until a pass finds nothing to move: rows that were locked come in the next one. */
  async #moveAll(signal: AbortSignal): Promise<void> {
    for (;;) {
      let moved = 0;
      let unopenable = 0;
      for (const column of sealedColumns) {
        const pass = await this.#moveColumn(column, signal);
        moved += pass.moved;
        unopenable += pass.unopenable;
      }
      this.#unopenable = unopenable;
      if (moved === 0 || signal.aborted) return;
    }
  }

  async #moveColumn(column: SealedColumn, signal: AbortSignal): Promise<Omit<Batch, 'next'>> {
    const { database, terms } = this.#options;
    let moved = 0;
    let unopenable = 0;
    let place: BatchPlace | undefined = firstPlace;
    while (place !== undefined && !signal.aborted) {
      const batch = await rewrapBatch(database, terms.keyring, column, place, batchRows);
      moved += batch.moved;
      unopenable += batch.unopenable;
      place = batch.next;
      await setImmediate();
    }
    return { moved, unopenable };
  }

  /** Ends the life of the older terms when nothing names them, which no change can alter meanwhile. */
  async #retire(): Promise<void> {
    const retired = await this.#change(async (manager) => {
      const old = (await readTerms(manager)).filter(({ state }) => state === 'OPENING').map(({ term }) => term);
      const { currentTerm } = this.#options.terms.keyring;
      const isUsed = (await countSealed(manager)).some(({ term }) => term !== currentTerm);
      if (old.length === 0 || isUsed || (await holdersWithout(manager, currentTerm)).length > 0) return [];
      await manager.query('UPDATE key_term SET retired_at = now() WHERE term = ANY ($1)', [old]);
      await keysChanged(manager);
      await recordInstanceEvent(manager, 'keys:retire', `term ${old.join(', ')}`);
      return old;
    });
    if (retired.length > 0)
      this.#options.log.info({ terms: retired }, 'key terms are retired: no value is sealed under them');
  }

  /** A retired term goes when the last audit event from before its end is gone; a day is for clocks that differ. */
  async #dropUnused(): Promise<void> {
    await this.#change(async (manager) => {
      const rows: { term: number }[] = await manager.query(
        `SELECT k.term FROM key_term k WHERE k.retired_at IS NOT NULL
         AND NOT EXISTS (SELECT FROM audit_event e WHERE e.time < k.retired_at + interval '1 day')
         AND NOT EXISTS (SELECT FROM audit_block b WHERE b.taken_at < k.retired_at + interval '1 day')
         AND NOT EXISTS (SELECT FROM audit_intent i WHERE i.time < k.retired_at + interval '1 day')
         AND k.retired_at < now() - interval '1 day'`,
      );
      if (rows.length === 0) return;
      await manager.query('DELETE FROM key_term WHERE term = ANY ($1)', [rows.map(({ term }) => term)]);
      await keysChanged(manager);
    });
  }

  /** Under the lock for changes, with the terms that are committed. */
  async #change<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const { database, terms } = this.#options;
    const result = await database.transaction('READ COMMITTED', async (manager) => {
      await lockForChange(manager);
      await terms.refresh(manager);
      return work(manager);
    });
    await terms.refresh(database.manager);
    return result;
  }
}

/** Whether a rotation is not done with a term: it is coming, or values are being moved away from it. */
export function isUnderWay({ state }: TermView): boolean {
  return state === 'ANNOUNCED' || state === 'OPENING';
}
