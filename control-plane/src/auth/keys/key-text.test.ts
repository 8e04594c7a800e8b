import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKeyText, newKeyText } from './key-text.ts';

describe('newKeyText', () => {
  it('gives a key with the prefix, and never the same one', () => {
    const keys = new Set(Array.from({ length: 100 }, newKeyText));
    expect(keys.size).toBe(100);
    for (const key of keys) {
      expect(key).toMatch(/^ock_[0-9A-Za-z]{38}$/);
      expect(isKeyText(key)).toBe(true);
    }
  });
});

describe('isKeyText', () => {
  it('knows a key of which any one character was mistyped', () => {
    const key = newKeyText();
    fc.assert(
      fc.property(
        fc.nat(key.length - 1),
        fc.constantFrom(...Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')),
        (place, character) => {
          fc.pre(key[place] !== character);
          expect(isKeyText(key.slice(0, place) + character + key.slice(place + 1))).toBe(false);
        },
      ),
    );
  });

  it('knows one that was cut, lengthened, or is no key at all', () => {
    const key = newKeyText();
    for (const text of ['', 'ock_', key.slice(0, -1), `${key}0`, `${key}\n`, key.toLowerCase(), 'olt_abc'])
      expect(isKeyText(text)).toBe(false);
  });

  it('agrees with a vector', () => {
    // crc32('ock_' + 'A' * 32) in base 62.
    expect(isKeyText('ock_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA000000')).toBe(false);
    expect(isKeyText(`ock_${'A'.repeat(32)}2P8jhZ`)).toBe(true);
  });
});
