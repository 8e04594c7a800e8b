import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bindingHash } from './binding-hash.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

describe('bindingHash', () => {
  it('is SHA-256 of the canonical JSON, keys sorted at every depth', () => {
    const binding = { surfaces: ['header'], hosts: [{ port: 443, host: 'a' }] };
    expect(bindingHash(binding)).toEqual(sha256('{"hosts":[{"host":"a","port":443}],"surfaces":["header"]}'));
  });

  it('does not depend on the order of keys and does depend on the order of lists', () => {
    expect(bindingHash({ a: 1, b: 2 })).toEqual(bindingHash({ b: 2, a: 1 }));
    expect(bindingHash(['a', 'b'])).not.toEqual(bindingHash(['b', 'a']));
  });

  it('sorts by UTF-16 code units and writes numbers and escapes as RFC 8785, 3.2.2 and 3.2.3, do', () => {
    const numbers = [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001];
    const literals = { '\u20ac': 1, '\r': 2, '1': 3, '\u{1f600}': 4, '\ufb33': 5, numbers };
    expect(bindingHash(literals)).toEqual(
      sha256('{"\\r":2,"1":3,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u20ac":1,"\u{1f600}":4,"\ufb33":5}'),
    );
    expect(bindingHash(-0)).toEqual(sha256('0'));
    expect(bindingHash('\u000f\n"\\')).toEqual(sha256('"\\u000f\\n\\"\\\\"'));
  });

  it('survives storage: what JSON gives back hashes alike', () => {
    const binding = { hosts: ['a'], note: undefined, nested: { x: null, y: [true, 'ü'] } };
    expect(bindingHash(JSON.parse(JSON.stringify(binding)))).toEqual(bindingHash(binding));
    expect(bindingHash(Object.assign(Object.create(null), { a: 1 }))).toEqual(bindingHash({ a: 1 }));
  });

  it('tells text from what looks like it', () => {
    const lookalikes = [1, '1', [1], { 1: 1 }, null, 'null', true, 'true', '', [], {}, [[]], '[]', { '': '' }];
    expect(new Set(lookalikes.map((value) => bindingHash(value).toString('hex'))).size).toBe(lookalikes.length);
  });

  it('takes a key named __proto__ for a key', () => {
    expect(bindingHash(JSON.parse('{"__proto__":1}'))).toEqual(sha256('{"__proto__":1}'));
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['undefined in a list', [undefined]],
    ['a hole in a list', Array(1)],
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a bigint', 1n],
    ['a function', { f: () => 1 }],
    ['a date', new Date(0)],
    ['a map', new Map([['hosts', 'a']])],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a cycle', cyclic],
  ])('refuses %s', (_name, value) => {
    expect(() => bindingHash(value)).toThrow(expect.objectContaining({ name: 'VaultFault', code: 'BAD_BINDING' }));
  });
});
