import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { alphabetNames, alphabets, generateInput, generateValue } from './generate-value.ts';

describe('generateValue', () => {
  it('is as long as asked for beside its prefix, of its alphabet alone, and uses all of that', () => {
    for (const alphabet of alphabetNames) {
      const value = generateValue({ length: 4096, alphabet, prefix: 'k_' });
      expect(value.slice(0, 2)).toBe('k_');
      expect(value).toHaveLength(4098);
      expect([...new Set(value.slice(2))].sort()).toEqual([...new Set(alphabets[alphabet])].sort());
    }
  });

  it('gives another value each time', () => {
    const input = parseInput(generateInput, {});
    expect(new Set(Array.from({ length: 100 }, () => generateValue(input))).size).toBe(100);
  });

  it.each([
    [{ length: 0 }, 'length'],
    [{ length: 4097 }, 'length'],
    [{ length: 1.5 }, 'length'],
    [{ length: 13 }, 'length'],
    [{ length: 19, alphabet: 'hex' }, 'length'],
    [{ alphabet: 'aaaa' }, 'alphabet'],
    [{ prefix: 'a\nb' }, 'prefix'],
    [{ charset: 'x' }, 'charset'],
  ])('refuses %j: the field %s', (input, field) => {
    expect(() => parseInput(generateInput, input)).toThrow(expect.objectContaining({ code: 'INVALID', field }));
  });

  it('takes 14 characters of 62, and 20 of 16: 80 bits', () => {
    for (const input of [{ length: 14 }, { length: 20, alphabet: 'hex' }])
      expect(parseInput(generateInput, input)).toMatchObject(input);
  });
});
