import { type KeyObject, createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import type { MasterKey } from './master-key.ts';
import { VaultFault } from './vault-fault.ts';
import { unwrapTerm, wrapNewKey, wrapTerm } from './wrapped-term.ts';

const KEY_BYTES = 32;
const MAX_TERM = 0xffff_ffff;
const PRINTED = '[keyring]';

/** A key-encryption key as it is stored: sealed by the master key, bound to its instance and term. */
export interface WrappedTerm {
  readonly term: number;
  readonly wrappedKey: Buffer;
  /** False while processes learn the key: nothing may be sealed with it yet. */
  readonly isActive: boolean;
}

/** The keyring of a new instance, and the row that must be committed before anything is sealed with it. */
export interface NewKeyring {
  readonly keyring: Keyring;
  readonly wrappedTerm: WrappedTerm;
}

interface TermKey {
  readonly key: KeyObject;
  /** As it was stored: a row that is the same need not be unwrapped again. */
  readonly wrappedKey: Buffer;
  readonly isMarked: boolean;
}

interface Keys {
  readonly byTerm: ReadonlyMap<number, TermKey>;
  readonly currentTerm: number;
}

/**
 * The key-encryption keys of one instance, by term. It learns and forgets terms while it is in use, always from rows that are
 * committed: nothing is sealed under a key that the database might still roll back.
 */
export class Keyring {
  readonly instanceId: string;
  /** What unwraps terms: derived from the master key, which is not kept. */
  readonly #wrappingKey: KeyObject;
  #keys: Keys;
  #hasRowMacs = false;

  private constructor(instanceId: string, wrappingKey: KeyObject, rows: readonly WrappedTerm[]) {
    this.instanceId = instanceId;
    this.#wrappingKey = wrappingKey;
    this.#keys = { byTerm: new Map(), currentTerm: 0 };
    this.learn(rows);
  }

  /**
   * The keyring of a new instance, with term 1.
   * @throws VaultFault BAD_INSTANCE_ID
   */
  static create(master: MasterKey, instanceId: string): NewKeyring {
    const wrappingKey = wrappingKeyOf(master, instanceId);
    const wrappedTerm = { term: 1, wrappedKey: wrapNewKey(wrappingKey, { instanceId, term: 1 }, true), isActive: true };
    return { keyring: new Keyring(instanceId, wrappingKey, [wrappedTerm]), wrappedTerm };
  }

  /**
   * The keyring of an existing instance, from its stored terms in any order.
   * @throws VaultFault WRONG_MASTER_KEY when a term does not open, MISSING_TERM when none is active, BAD_TERM for a number
   * that is out of range or there twice, BAD_INSTANCE_ID.
   */
  static open(master: MasterKey, instanceId: string, rows: readonly WrappedTerm[]): Keyring {
    return new Keyring(instanceId, wrappingKeyOf(master, instanceId), rows);
  }

  /** The term that seals: the highest active one. */
  get currentTerm(): number {
    return this.#keys.currentTerm;
  }

  /**
   * Whether every row that is to have a MAC has one, as a stored term is marked: one without is not believed. What was so once
   * stays so in this process, whatever lies in the store later.
   */
  get hasRowMacs(): boolean {
    return this.#hasRowMacs;
  }

  /** The terms whose keys are here, ascending. */
  get terms(): number[] {
    return [...this.#keys.byTerm.keys()].sort((a, b) => a - b);
  }

  /**
   * Takes up the stored terms: keys that are new here are unwrapped, and the highest active term seals from now on. Terms that
   * are not among them stay until `forget`; so does the key of a term whose row another master key has wrapped since. All or
   * nothing.
   * @throws VaultFault as `open` does
   */
  learn(rows: readonly WrappedTerm[]): void {
    const byTerm = new Map(this.#keys.byTerm);
    const seen = new Set<number>();
    let currentTerm = 0;
    for (const { term, wrappedKey, isActive } of rows) {
      requireTerm(term);
      if (seen.has(term)) throw new VaultFault('BAD_TERM', `Key term ${term} is there twice`);
      seen.add(term);
      byTerm.set(term, this.#keyOfRow(term, wrappedKey, byTerm.get(term)));
      if (isActive) currentTerm = Math.max(currentTerm, term);
    }
    if (currentTerm === 0) throw new VaultFault('MISSING_TERM', 'There is no active key term to open');
    this.#keys = { byTerm, currentTerm };
    this.#hasRowMacs ||= [...byTerm.values()].some(({ isMarked }) => isMarked);
  }

  /** Gives up the keys of all terms but these: nothing that was sealed under them opens here any more. */
  forget(kept: readonly number[]): void {
    const keeps = new Set([...kept, this.currentTerm]);
    const byTerm = new Map([...this.#keys.byTerm].filter(([term]) => keeps.has(term)));
    this.#keys = { ...this.#keys, byTerm };
  }

  /**
   * A key for the term after the highest one that ever was, to be stored. This keyring has it once it learns the committed row.
   * @throws VaultFault BAD_TERM after term 2^32 - 1
   */
  wrapNewTerm(highestEver = 0): WrappedTerm {
    const term = Math.max(highestEver, ...this.#keys.byTerm.keys()) + 1;
    requireTerm(term);
    const place = { instanceId: this.instanceId, term };
    return { term, wrappedKey: wrapNewKey(this.#wrappingKey, place, this.#hasRowMacs), isActive: false };
  }

  /** The same terms, marked: to be stored with the MACs of all rows. @throws VaultFault WRONG_MASTER_KEY */
  markTerms(rows: readonly WrappedTerm[]): WrappedTerm[] {
    return rewrap(this.#wrappingKey, this.#wrappingKey, this.instanceId, rows, true);
  }

  /** The key-encryption key of a term; nothing but sealing and opening may ask for it. */
  keyOfTerm(term: number): KeyObject | undefined {
    return this.#keys.byTerm.get(term)?.key;
  }

  #keyOfRow(term: number, wrappedKey: Buffer, known: TermKey | undefined): TermKey {
    if (known?.wrappedKey.equals(wrappedKey) === true) return known;
    try {
      const { key, isMarked } = openTerm(this.#wrappingKey, this.instanceId, term, wrappedKey);
      return { key, wrappedKey, isMarked };
    } catch (error) {
      if (known === undefined) throw error;
      return known;
    }
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }
}

/**
 * The same terms, wrapped by another master key.
 * @throws VaultFault WRONG_MASTER_KEY when one does not open under the first
 */
export function rewrapTerms(
  from: MasterKey,
  to: MasterKey,
  instanceId: string,
  rows: readonly WrappedTerm[],
): WrappedTerm[] {
  return rewrap(wrappingKeyOf(from, instanceId), wrappingKeyOf(to, instanceId), instanceId, rows, false);
}

/** A term that is marked stays so. */
function rewrap(
  opening: KeyObject,
  wrapping: KeyObject,
  instanceId: string,
  rows: readonly WrappedTerm[],
  marks: boolean,
): WrappedTerm[] {
  return rows.map((row) => {
    const opened = openTerm(opening, instanceId, row.term, row.wrappedKey);
    const key = opened.key.export();
    try {
      const place = { instanceId, term: row.term };
      return { ...row, wrappedKey: wrapTerm(wrapping, place, key, marks || opened.isMarked) };
    } finally {
      key.fill(0);
    }
  });
}

function wrappingKeyOf(master: MasterKey, instanceId: string): KeyObject {
  const bytes = master.derive('key-wrapping', instanceId);
  try {
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

function openTerm(wrappingKey: KeyObject, instanceId: string, term: number, wrappedKey: Buffer) {
  let opened: ReturnType<typeof unwrapTerm>;
  try {
    opened = unwrapTerm(wrappingKey, { instanceId, term }, wrappedKey);
  } catch (cause) {
    throw new VaultFault(
      'WRONG_MASTER_KEY',
      `Key term ${term} does not open: the master key is not the one of this instance, or the row was altered`,
      { cause },
    );
  }
  const { key, isMarked } = opened;
  try {
    if (key.length !== KEY_BYTES) throw new VaultFault('BAD_TERM', `Key term ${term} does not hold a 32-byte key`);
    return { key: createSecretKey(key), isMarked };
  } finally {
    key.fill(0);
  }
}

function requireTerm(term: number): void {
  if (Number.isInteger(term) && term >= 1 && term <= MAX_TERM) return;
  throw new VaultFault('BAD_TERM', `A key term must be a whole number from 1 to ${MAX_TERM}`);
}
