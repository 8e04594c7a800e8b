import { describe, expect, it } from 'vitest';
import { parseAuthorization } from './parse-authorization.ts';

const encoded = (pair: string): string => Buffer.from(pair).toString('base64');

describe('parseAuthorization', () => {
  it('reads Basic in any letter case, with colons in the password', () => {
    expect(parseAuthorization(`bAsIc ${encoded('admin:a:b')}`)).toEqual({
      kind: 'basic',
      user: 'admin',
      password: 'a:b',
    });
  });

  it('reads a user and a password in UTF-8, and empty ones', () => {
    expect(parseAuthorization(`Basic ${encoded('jürgen:pässword')}`)).toEqual({
      kind: 'basic',
      user: 'jürgen',
      password: 'pässword',
    });
    expect(parseAuthorization(`Basic ${encoded(':')}`)).toEqual({ kind: 'basic', user: '', password: '' });
  });

  it('reads Bearer', () => {
    expect(parseAuthorization('Bearer olt_abc-123')).toEqual({ kind: 'bearer', token: 'olt_abc-123' });
  });

  it('tells none from malformed', () => {
    expect(parseAuthorization(undefined).kind).toBe('none');
    expect(parseAuthorization('').kind).toBe('none');
    for (const header of [
      'Basic',
      'Basic !!!',
      `Basic ${encoded('nocolon')}`,
      'Digest x',
      'Bearer a b',
      'x'.repeat(5000),
    ]) {
      expect(parseAuthorization(header).kind).toBe('malformed');
    }
  });
});
