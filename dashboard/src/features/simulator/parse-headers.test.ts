import { describe, expect, it } from 'vitest';
import { parseHeaders } from './parse-headers.ts';

describe('headers as they are typed', () => {
  it('are one in each line, without the white space around', () => {
    expect(parseHeaders(' Authorization: Bearer onecli://prod/a \n\nX-Key:v:w\r\n')).toEqual([
      { name: 'Authorization', value: 'Bearer onecli://prod/a' },
      { name: 'X-Key', value: 'v:w' },
    ]);
    expect(parseHeaders('')).toEqual([]);
  });

  it('are refused by their line, which may hold a key and is not repeated', () => {
    expect(parseHeaders('A: b\nsk-very-secret')).toBe('Headers: line 2 is not `Name: value`.');
  });
});
