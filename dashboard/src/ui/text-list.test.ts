import { describe, expect, it } from 'vitest';
import { claimsOf, labelsOf, labelsText, linesOf, listOf, listText } from './text-list.ts';

describe('a text of several values', () => {
  it('has commas, blanks or lines between them', () => {
    expect(listOf(' a, b\nc  d,')).toEqual(['a', 'b', 'c', 'd']);
    expect(listOf(' ')).toEqual([]);
  });

  it('has quotes around a value with a comma or a blank in it, and keeps every value that was there', () => {
    expect(listOf('/a, "/b,c" "/d e"')).toEqual(['/a', '/b,c', '/d e']);
    expect(listText(['/a', '/b,c'])).toBe('/a, "/b,c"');
    const values = ['/a,b', '/**', '"', '""', '"/a"', 'say "a, b" \\', '', 'team=a, b&site=c', '/a"b', "/it's"];
    expect(listOf(listText(values))).toEqual(values);
    for (const value of values) expect(listOf(listText([value]))).toEqual([value]);
  });

  it('has no value that runs on behind its quotes: it is not taken apart in silence', () => {
    expect(listOf('"/a,b"/c')).toEqual(['"/a', 'b"/c']);
    expect(listOf('"/a, b')).toEqual(['"/a', 'b']);
    expect(listOf('"a"b"')).toEqual(['"a"b"']);
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

  it.each([
    'team=finance, ops',
    'team=finance,ops',
    'team=finance, ops, site=berlin',
    'ops, team=finance',
    'note="a, b',
  ])('is none for %j: what follows a comma is a label of its own', (text) => {
    expect(labelsOf(text)).toBeUndefined();
  });

  it('has lines between labels too, and blanks around them', () => {
    expect(labelsOf('team = red ops \n\nsite=berlin,\n')).toEqual([
      { key: 'team', value: 'red ops' },
      { key: 'site', value: 'berlin' },
    ]);
  });

  it('keeps every value that was there', () => {
    const values = ['a, b,c', 'x=y, team=red', '"quoted"', 'say "a, b" \\', '5" and 6"', ' blanks ', '', 'plain'];
    const labels = values.map((value, index) => ({ key: `key${index}`, value }));
    expect(labelsOf(labelsText(labels))).toEqual(labels);
    expect(labelsText([{ key: 'note', value: 'a, b' }])).toBe('note="a, b"');
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
