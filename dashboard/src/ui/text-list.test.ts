import { describe, expect, it } from 'vitest';
import { claimsOf, labelsOf, linesOf, listOf } from './text-list.ts';

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

  it('keeps a comma that is part of a value', () => {
    expect(labelsOf('note=a, b,c, team=x,')).toEqual([
      { key: 'note', value: 'a, b,c' },
      { key: 'team', value: 'x' },
    ]);
  });
});

describe('a text of one value on each line', () => {
  it('keeps commas and blanks', () => {
    expect(linesOf("$['a, b'].c\n\n $.d[0,1] ")).toEqual(["$['a, b'].c", '$.d[0,1]']);
    expect(claimsOf('groups=a, sub=b\nhttps://x.example/a,b=c')).toEqual([
      { key: 'groups', value: 'a, sub=b' },
      { key: 'https://x.example/a,b', value: 'c' },
    ]);
    expect(claimsOf('sub')).toBeUndefined();
  });
});
