import { describe, expect, it } from 'vitest';
import { collectLabel, collectList, parseCount } from './parse-options.ts';

describe('collectList', () => {
  it('gathers repeated and comma-separated values', () => {
    expect(collectList('b, c', collectList('a'))).toEqual(['a', 'b', 'c']);
  });

  it('refuses nothing at all', () => {
    expect(() => collectList(' , ')).toThrow();
  });
});

describe('collectLabel', () => {
  it('splits at the first equals sign', () => {
    expect(collectLabel('b=x=y', { a: '1' })).toEqual({ a: '1', b: 'x=y' });
  });

  it.each(['a', '=x'])('refuses %s', (text) => {
    expect(() => collectLabel(text)).toThrow();
  });
});

describe('parseCount', () => {
  it('takes whole numbers in the range alone', () => {
    expect(parseCount(10)('10')).toBe(10);
    for (const text of ['0', '11', '-1', '1.5', 'x', '']) expect(() => parseCount(10)(text)).toThrow();
  });
});
