import { describe, expect, it } from 'vitest';
import { decodeValue, doubtsAbout, requireKey } from './read-secret-value.ts';

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

describe('requireKey', () => {
  it('refuses a placeholder and several lines, and repeats nothing of them', () => {
    expect(() => requireKey('onecli://prod/openai')).toThrow('is a placeholder');
    expect(() => requireKey('canary\ncanary')).toThrow(/^the value has several lines, and a key has one$/);
    expect(() => requireKey('sk-1')).not.toThrow();
  });
});

describe('doubtsAbout', () => {
  it('sees white space at either end and not in between, quotes, and a line of a .env file', () => {
    expect(
      [' a', 'a\t', 'a b', '"a"', 'OPENAI_API_KEY=sk', 'QWJjZA==', 'A_B=='].map((one) => doubtsAbout(one).length),
    ).toEqual([1, 1, 0, 1, 1, 0, 0]);
  });
});
