import { describe, expect, it } from 'vitest';
import { labelsOf, listOf } from './text-list.ts';

describe('a text of several values', () => {
  it('has commas, blanks or lines between them', () => {
    expect(listOf(' a, b\nc  d,')).toEqual(['a', 'b', 'c', 'd']);
    expect(listOf(' ')).toEqual([]);
  });
});

describe('a text of labels', () => {
  it('has key=value, where a value may be empty or have another =', () => {
    expect(labelsOf('team=finance, note=a=b, empty=')).toEqual([
      { key: 'team', value: 'finance' },
      { key: 'note', value: 'a=b' },
      { key: 'empty', value: '' },
    ]);
    expect(labelsOf('')).toEqual([]);
    expect(labelsOf('team')).toBeUndefined();
  });
});
