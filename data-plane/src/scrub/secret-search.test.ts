import { inspect } from 'node:util';
import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import { SecretSearch } from './secret-search.ts';

const secret = 'sk-canary-7Qm2';
const search = SecretSearch.of(SecretValue.of(secret));
const find = (text: string, isLast = false, from = 0) => search.find(Buffer.from(text), from, isLast);

describe('SecretSearch', () => {
  it('finds the secret wherever it stands', () => {
    for (let ahead = 0; ahead < 200; ahead++) {
      const hit = { kind: 'hit', at: ahead, length: secret.length };
      expect(find('s'.repeat(ahead) + secret)).toEqual(hit);
      expect(find(`${'.'.repeat(ahead)}${secret}${'k'.repeat(ahead)}`, true)).toEqual(hit);
    }
  });

  it('finds the one that begins first', () => {
    const hex = Buffer.from(secret).toString('hex');
    expect(find(`--${hex}${secret}`)).toMatchObject({ at: 2, length: hex.length });
    expect(find(`--${secret}${hex}`)).toMatchObject({ at: 2, length: secret.length });
    expect(find(`--${secret}${hex}`, false, 3)).toMatchObject({ at: 2 + secret.length, length: hex.length });
  });

  it('finds the longest of those that begin at one place, and waits for it', () => {
    // Percent-encoded, it begins with itself.
    const nested = SecretSearch.of(SecretValue.of('%25252525'));
    const once = Buffer.from('%25252525');
    expect(nested.find(once, 0, false)).toEqual({ kind: 'open', at: 0 });
    expect(nested.find(once, 0, true)).toEqual({ kind: 'hit', at: 0, length: once.length });
    const again = Buffer.from(`${encodeURIComponent('%25252525')}.`);
    expect(nested.find(again, 0, true)).toEqual({ kind: 'hit', at: 0, length: again.length - 1 });
  });

  it('keeps an end open that may be the beginning of one, and no other', () => {
    expect(find('text and sk-cana')).toEqual({ kind: 'open', at: 9 });
    expect(find('text and s')).toEqual({ kind: 'open', at: 9 });
    expect(find('text and sk-cano')).toBeUndefined();
    expect(find('data: {"text":"sk-canary"}\n\n')).toBeUndefined();
    const fully = secret.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
    expect(find(`abc${fully.slice(0, -1)}`)).toEqual({ kind: 'open', at: 3 });
  });

  it('keeps nothing open at the end of the stream', () => {
    expect(find('text and sk-cana', true)).toBeUndefined();
  });

  it('looks for nothing when the secret is too short', () => {
    const short = SecretSearch.of(SecretValue.of('abc'));
    expect(short.minBytes).toBe(0);
    expect(short.find(Buffer.from('abcabc'), 0, false)).toBeUndefined();
  });

  it('is compiled once for a value, and anew for another of the same text', () => {
    const value = SecretValue.of(secret);
    expect(SecretSearch.of(value)).toBe(SecretSearch.of(value));
    expect(SecretSearch.of(SecretValue.of(secret))).not.toBe(SecretSearch.of(value));
  });

  it('stays compiled while it is in use, however many others come', () => {
    const value = SecretValue.of(secret);
    const first = SecretSearch.of(value);
    for (let round = 0; round < 3; round++) {
      for (let other = 0; other < 300; other++) SecretSearch.of(SecretValue.of(`another-secret-${other}`));
      expect(SecretSearch.of(value)).toBe(first);
    }
  });

  it('says nothing of what it looks for', () => {
    const printed = `${inspect(search, { depth: 9, showHidden: true })}${JSON.stringify(search)}${String(search)}`;
    expect(printed).not.toMatch(/canary|736b2d|115,107|c2stY2/);
  });
});
