import { createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Keyring, rewrapTerms, type WrappedTerm } from './keyring.ts';
import { MasterKey } from './master-key.ts';
import { open, seal, termOf } from './seal.ts';
import { unwrapTerm, wrapTerm } from './wrapped-term.ts';

const INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const OTHER_INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445567';
const master = MasterKey.fromHex('0f'.repeat(32));
const wrong = MasterKey.fromHex('f0'.repeat(32));
const context = { table: 'secret_version', column: 'sealed_value', rowId: 'r1', version: 1 };

const { keyring: first, wrappedTerm: term1 } = Keyring.create(master, INSTANCE);
const announced2 = first.wrapNewTerm();
const term2 = { ...announced2, isActive: true };
const second = Keyring.open(master, INSTANCE, [term1, term2]);

const fault = (code: string) => expect.objectContaining({ name: 'VaultFault', code }) as Error;

describe('Keyring', () => {
  it('starts with term 1 and seals under the newest', () => {
    expect([first.currentTerm, term1.term]).toEqual([1, 1]);
    expect([second.currentTerm, term2.term]).toEqual([2, 2]);
    expect(Keyring.open(master, INSTANCE, [term2, term1]).currentTerm).toBe(2);
  });

  it('opens from its stored terms what it sealed before', () => {
    const sealed = seal(first, context, Buffer.from('value'));
    const reopened = Keyring.open(master, INSTANCE, [term1, term2]);
    expect(open(reopened, context, sealed).toString()).toBe('value');
  });

  it('leaves the keyring as it was when a term is made, since the new row may yet be rolled back', () => {
    expect([first.currentTerm, first.terms]).toEqual([1, [1]]);
    expect(second.terms).toEqual([1, 2]);
  });

  it('opens what is sealed under a term that it has only learned, and seals with it once it is active', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1]);
    keyring.learn([term1, announced2]);
    expect([keyring.currentTerm, keyring.terms]).toEqual([1, [1, 2]]);
    expect(open(keyring, context, seal(second, context, Buffer.from('value'))).toString()).toBe('value');
    keyring.learn([term1, term2]);
    expect(termOf(seal(keyring, context, Buffer.from('value')))).toBe(2);
  });

  it('keeps what it has when one of the stored terms does not open', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1]);
    const altered = { ...term2, wrappedKey: Buffer.alloc(term2.wrappedKey.length) };
    expect(() => keyring.learn([term1, altered])).toThrow(fault('WRONG_MASTER_KEY'));
    expect([keyring.currentTerm, keyring.terms]).toEqual([1, [1]]);
  });

  it('knows a term that it has, although its row was wrapped anew by another master key', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1]);
    keyring.learn([{ ...term1, wrappedKey: Buffer.alloc(60) }]);
    expect(keyring.terms).toEqual([1]);
  });

  it('takes the key of a term that was made a second time, after an older database was restored', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1, term2]);
    const again = { ...first.wrapNewTerm(), isActive: true };
    keyring.learn([term1, again]);
    const restored = Keyring.open(master, INSTANCE, [term1, again]);
    expect(open(keyring, context, seal(restored, context, Buffer.from('value'))).toString()).toBe('value');
  });

  it('opens nothing under a term that it was told to forget, and never forgets the one that seals', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1, term2]);
    const sealed = seal(first, context, Buffer.from('value'));
    keyring.learn([term2]);
    expect(open(keyring, context, sealed).toString()).toBe('value');
    keyring.forget([2]);
    expect(() => open(keyring, context, sealed)).toThrow(fault('MISSING_TERM'));
    keyring.forget([]);
    expect(keyring.terms).toEqual([2]);
  });

  it('refuses a wrong master key', () => {
    expect(() => Keyring.open(wrong, INSTANCE, [term1])).toThrow(fault('WRONG_MASTER_KEY'));
  });

  it('refuses a term of another instance', () => {
    expect(() => Keyring.open(master, OTHER_INSTANCE, [term1])).toThrow(fault('WRONG_MASTER_KEY'));
  });

  it('refuses a key that was put under another term number', () => {
    const moved = { ...term1, term: 2 };
    expect(() => Keyring.open(master, INSTANCE, [moved])).toThrow(fault('WRONG_MASTER_KEY'));
  });

  it('refuses a wrapped key with any bit flipped or any byte cut off', () => {
    for (let bit = 0; bit < term1.wrappedKey.length * 8; bit++) {
      const wrappedKey = Buffer.from(term1.wrappedKey);
      wrappedKey.writeUInt8(wrappedKey.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => Keyring.open(master, INSTANCE, [{ ...term1, wrappedKey }])).toThrow(fault('WRONG_MASTER_KEY'));
    }
    for (let length = 0; length < term1.wrappedKey.length; length++) {
      const wrappedKey = term1.wrappedKey.subarray(0, length);
      expect(() => Keyring.open(master, INSTANCE, [{ ...term1, wrappedKey }])).toThrow(fault('WRONG_MASTER_KEY'));
    }
  });

  it('refuses no terms at all, a term that is there twice, and numbers that are no terms', () => {
    expect(() => Keyring.open(master, INSTANCE, [])).toThrow(fault('MISSING_TERM'));
    expect(() => Keyring.open(master, INSTANCE, [{ ...term1, isActive: false }])).toThrow(fault('MISSING_TERM'));
    expect(() => Keyring.open(master, INSTANCE, [term1, term1])).toThrow(fault('BAD_TERM'));
    for (const term of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      const row = { ...term1, term };
      expect(() => Keyring.open(master, INSTANCE, [row]), `${term}`).toThrow(fault('BAD_TERM'));
    }
  });

  it('makes a random key for each term', () => {
    const other = Keyring.create(master, INSTANCE).keyring;
    const sealed = seal(first, context, Buffer.from('value'));
    expect(() => open(other, context, sealed)).toThrow(fault('CANNOT_OPEN'));
    const exported = [first.keyOfTerm(1), second.keyOfTerm(2), other.keyOfTerm(1)].map((key) =>
      key?.export().toString('hex'),
    );
    expect(new Set(exported).size).toBe(3);
  });

  it('does not print its keys', () => {
    expect([String(first), JSON.stringify(first), inspect(first, { showHidden: true })]).toEqual([
      '[keyring]',
      '"[keyring]"',
      '[keyring]',
    ]);
    expect(Object.values(structuredClone(first))).toEqual([INSTANCE]);
  });
});

describe('the mark that rows have MACs', () => {
  /** As a release that knows no mark would have wrapped it. */
  const unmarked = ({ term, wrappedKey, isActive }: WrappedTerm): WrappedTerm => {
    const wrapping = createSecretKey(master.derive('key-wrapping', INSTANCE));
    const place = { instanceId: INSTANCE, term };
    const { key } = unwrapTerm(wrapping, place, wrappedKey);
    return { term, isActive, wrappedKey: wrapTerm(wrapping, place, key, false) };
  };
  const hasRowMacs = (rows: readonly WrappedTerm[], key = master) => Keyring.open(key, INSTANCE, rows).hasRowMacs;

  it('is on the terms of a new instance, on those that it makes, and on each under another master key', () => {
    expect([hasRowMacs([term1]), hasRowMacs([term2])]).toEqual([true, true]);
    expect(hasRowMacs(rewrapTerms(master, wrong, INSTANCE, [term2]), wrong)).toBe(true);
  });

  it('is not on those of a release from before, whatever is done to them, until they are marked', () => {
    const before = unmarked(term1);
    const keyring = Keyring.open(master, INSTANCE, [before]);
    expect(keyring.hasRowMacs).toBe(false);
    expect(hasRowMacs([{ ...keyring.wrapNewTerm(), isActive: true }])).toBe(false);
    expect(hasRowMacs(rewrapTerms(master, wrong, INSTANCE, [before]), wrong)).toBe(false);
    const marked = keyring.markTerms([before]);
    expect(hasRowMacs(marked)).toBe(true);
    expect(open(Keyring.open(master, INSTANCE, marked), context, seal(first, context, Buffer.of(7)))).toEqual(
      Buffer.of(7),
    );
  });

  it('stays on in a process that has seen it', () => {
    const keyring = Keyring.open(master, INSTANCE, [term1]);
    keyring.learn([unmarked(term1)]);
    expect(keyring.hasRowMacs).toBe(true);
  });

  it('cannot be put on by who has not the master key: another nonce does not open', () => {
    const before = unmarked(term1);
    const forged = Buffer.concat([term1.wrappedKey.subarray(0, 12), before.wrappedKey.subarray(12)]);
    expect(() => hasRowMacs([{ ...before, wrappedKey: forged }])).toThrow(fault('WRONG_MASTER_KEY'));
  });
});
