import { type KeyObject, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { decrypt, encrypt } from './aes-gcm.ts';
import { associatedData, u32 } from './associated-data.ts';
import { instanceIdBytes } from './instance-id.ts';
import type { MasterKey } from './master-key.ts';
import { VaultFault } from './vault-fault.ts';

const KEY_BYTES = 32;
const MAX_TERM = 0xffff_ffff;
const PRINTED = '[keyring]';

/** A key-encryption key as it is stored: sealed by the master key, bound to its instance and term. */
export interface WrappedTerm {
  readonly term: number;
  readonly wrappedKey: Buffer;
}

/** A keyring that has a new term, and the row that must be committed before the keyring is used to seal. */
export interface KeyringWithNewTerm {
  readonly keyring: Keyring;
  readonly wrappedTerm: WrappedTerm;
}

/**
 * The key-encryption keys of one instance, by term. Immutable: a new term makes a new keyring, so that nothing is sealed
 * under a key that the database might still roll back.
 */
export class Keyring {
  readonly instanceId: string;
  /** The term that seals: the highest one. */
  readonly currentTerm: number;
  readonly #keys: ReadonlyMap<number, KeyObject>;

  private constructor(instanceId: string, keys: ReadonlyMap<number, KeyObject>) {
    this.instanceId = instanceId;
    this.currentTerm = Math.max(...keys.keys());
    this.#keys = keys;
  }

  /**
   * The keyring of a new instance, with term 1.
   * @throws VaultFault BAD_INSTANCE_ID
   */
  static create(master: MasterKey, instanceId: string): KeyringWithNewTerm {
    return Keyring.#withNewTerm(master, instanceId, new Map(), 1);
  }

  /**
   * The keyring of an existing instance, from its stored terms in any order.
   * @throws VaultFault WRONG_MASTER_KEY when a term does not open, MISSING_TERM when there is none, BAD_TERM for a number
   * that is out of range or there twice, BAD_INSTANCE_ID.
   */
  static open(master: MasterKey, instanceId: string, rows: readonly WrappedTerm[]): Keyring {
    if (rows.length === 0) throw new VaultFault('MISSING_TERM', 'There is no key term to open');
    const wrappingKey = master.derive('key-wrapping', instanceId);
    try {
      const keys = new Map<number, KeyObject>();
      for (const { term, wrappedKey } of rows) {
        requireTerm(term);
        if (keys.has(term)) throw new VaultFault('BAD_TERM', `Key term ${term} is there twice`);
        keys.set(term, unwrapTerm(wrappingKey, instanceId, term, wrappedKey));
      }
      return new Keyring(instanceId, keys);
    } finally {
      wrappingKey.fill(0);
    }
  }

  /**
   * This keyring and one term more, which becomes the current one. The master key must be the one that it was opened with.
   * @throws VaultFault BAD_TERM after term 2^32 - 1
   */
  addTerm(master: MasterKey): KeyringWithNewTerm {
    return Keyring.#withNewTerm(master, this.instanceId, this.#keys, this.currentTerm + 1);
  }

  /** Whether a term's key is here. */
  hasTerm(term: number): boolean {
    return this.#keys.has(term);
  }

  /** The key-encryption key of a term; nothing but sealing and opening may ask for it. */
  keyOfTerm(term: number): KeyObject | undefined {
    return this.#keys.get(term);
  }

  static #withNewTerm(
    master: MasterKey,
    instanceId: string,
    earlier: ReadonlyMap<number, KeyObject>,
    term: number,
  ): KeyringWithNewTerm {
    requireTerm(term);
    const wrappingKey = master.derive('key-wrapping', instanceId);
    const key = randomBytes(KEY_BYTES);
    try {
      const wrappedKey = encrypt(wrappingKey, key, termAssociatedData(instanceId, term));
      const keyring = new Keyring(instanceId, new Map([...earlier, [term, createSecretKey(key)]]));
      return { keyring, wrappedTerm: { term, wrappedKey } };
    } finally {
      key.fill(0);
      wrappingKey.fill(0);
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

function unwrapTerm(wrappingKey: Buffer, instanceId: string, term: number, wrappedKey: Buffer): KeyObject {
  let key: Buffer;
  try {
    key = decrypt(wrappingKey, wrappedKey, termAssociatedData(instanceId, term));
  } catch (cause) {
    throw new VaultFault(
      'WRONG_MASTER_KEY',
      `Key term ${term} does not open: the master key is not the one of this instance, or the row was altered`,
      { cause },
    );
  }
  try {
    if (key.length !== KEY_BYTES) throw new VaultFault('BAD_TERM', `Key term ${term} does not hold a 32-byte key`);
    return createSecretKey(key);
  } finally {
    key.fill(0);
  }
}

function termAssociatedData(instanceId: string, term: number): Buffer {
  return associatedData([instanceIdBytes(instanceId), 'key_term', u32(term)]);
}

function requireTerm(term: number): void {
  if (Number.isInteger(term) && term >= 1 && term <= MAX_TERM) return;
  throw new VaultFault('BAD_TERM', `A key term must be a whole number from 1 to ${MAX_TERM}`);
}
