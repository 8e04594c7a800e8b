import { describe, expect, it } from 'vitest';
import { decodeValue, hasStrayWhiteSpace } from './read-secret-value.ts';

describe('decodeValue', () => {
  it.each([
    ['key', 'key'],
    ['key\n', 'key'],
    ['key\r\n', 'key'],
    ['key\n\n', 'key\n'],
    [' key', ' key'],
    ['\n', ''],
  ])('reads %j as %j', (piped, value) => {
    expect(decodeValue(Buffer.from(piped))).toBe(value);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => decodeValue(Uint8Array.of(0xff, 0xfe))).toThrow('UTF-8');
  });
});

describe('hasStrayWhiteSpace', () => {
  it('sees it at either end and not in between', () => {
    expect([' a', 'a\n', 'a b'].map(hasStrayWhiteSpace)).toEqual([true, true, false]);
  });
});
