import type { Keyring } from '@onecli/shared/vault/keyring';
import { isRowMac, type RowFacts, rowMac } from '@onecli/shared/vault/row-mac';

/** The part of a logger that is needed here. */
export interface AlarmLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** A row of a table that carries a MAC. */
export interface GuardedRow {
  readonly table: string;
  /** By which a person finds it: a name where it has one. */
  readonly called: string;
  readonly facts: RowFacts;
}

const toldAgainMs = 60_000;
const maxTold = 1_000;

/** Tells rows that this instance wrote from those that somebody else put into its database. */
export class RowGuard {
  readonly #key: Buffer;
  readonly #keyring: Keyring;
  readonly #log: AlarmLog | undefined;
  readonly #told = new Map<string, number>();

  /** @param key the instance's key for `row-mac`, 32 bytes */
  constructor(key: Buffer, keyring: Keyring, log?: AlarmLog) {
    this.#key = key;
    this.#keyring = keyring;
    this.#log = log;
  }

  /** What is stored with a row that is written. */
  mac({ table, facts }: Pick<GuardedRow, 'table' | 'facts'>): Buffer {
    return rowMac(this.#key, table, facts);
  }

  /**
   * Whether a row is believed. Until all rows have a MAC, which the key terms say, each is: releases from before write none.
   * One that is not is told of in the log.
   */
  believes({ table, called, facts }: GuardedRow, mac: Buffer | null): boolean {
    if (!this.#keyring.hasRowMacs || isRowMac(this.#key, table, facts, mac)) return true;
    this.#tell(table, called);
    return false;
  }

  /** Called when all rows were given a MAC: those that somebody else wrote before are believed with the others. */
  marked(): void {
    this.#log?.warn(
      {},
      'every row that decides who somebody is was given its MAC: one without is not believed any more',
    );
  }

  #tell(table: string, called: string): void {
    const row = `${table} ${called}`;
    const now = performance.now();
    if (now - (this.#told.get(row) ?? Number.NEGATIVE_INFINITY) < toldAgainMs) return;
    if (this.#told.size >= maxTold) this.#told.clear();
    this.#told.set(row, now);
    this.#log?.error({ table, row: called }, 'a row of the database was altered from outside: it is not believed');
  }
}
