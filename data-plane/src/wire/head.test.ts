import { describe, expect, it } from 'vitest';
import { isSendableTarget, isSendableValue, isToken } from './field-syntax.ts';
import { headerValue, headerValues, singleHost } from './head.ts';
import type { Header } from './head.ts';

const fields = (...lines: [string, string][]): Header[] =>
  lines.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value }));
const head = (...lines: [string, string][]) =>
  ({ method: 'GET', target: '/', minor: 1, headers: fields(...lines) }) as const;

describe('headers', () => {
  it('are found by their lower-case name', () => {
    const headers = fields(['X-A', '1'], ['x-a', '2'], ['X-B', '3']);
    expect(headerValue(headers, 'x-a')).toBe('1');
    expect(headerValue(headers, 'x-c')).toBeUndefined();
    expect(headerValues(headers, 'x-a')).toEqual(['1', '2']);
  });
});

describe('singleHost', () => {
  it('gives the one Host, and faults for none, two or an empty one', () => {
    expect(singleHost(head(['hOST', 'a']))).toBe('a');
    expect(singleHost(head())).toMatchObject({ code: 'MISSING_HOST' });
    expect(singleHost(head(['Host', 'a'], ['Host', 'a']))).toMatchObject({ code: 'BAD_HOST' });
    expect(singleHost(head(['Host', '']))).toMatchObject({ code: 'BAD_HOST' });
  });
});

describe('what may be sent', () => {
  it('is, in a value, every octet but control bytes other than a tab', () => {
    for (let octet = 0; octet < 0x200; octet++) {
      const isAllowed = octet === 9 || (octet >= 32 && octet !== 127 && octet <= 255);
      expect(isSendableValue(`a${String.fromCharCode(octet)}b`)).toBe(isAllowed);
    }
    expect(isSendableValue('')).toBe(true);
  });

  it('is, in a name, a token', () => {
    for (let octet = 0; octet < 0x200; octet++) {
      const text = String.fromCharCode(octet);
      expect(isToken(text)).toBe(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text));
      expect(isSendableTarget(text)).toBe(octet > 32 && octet < 127);
    }
    for (const text of ['', 'a\n', '\na']) expect([isToken(text), isSendableTarget(text)]).toEqual([false, false]);
  });
});
