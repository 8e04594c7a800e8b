import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprint, tokenHash } from './keyed-hash.ts';

const key = Buffer.alloc(32, 7);
const otherKey = Buffer.alloc(32, 8);

describe('tokenHash', () => {
  it('gives 32 bytes that depend on the token and on the pepper', () => {
    expect(tokenHash(key, 'token')).toHaveLength(32);
    expect(tokenHash(key, 'token')).toEqual(tokenHash(key, 'token'));
    expect(tokenHash(key, 'token')).not.toEqual(tokenHash(key, 'tokem'));
    expect(tokenHash(key, 'token')).not.toEqual(tokenHash(otherKey, 'token'));
  });

  it('refuses an empty or a short pepper', () => {
    const fault = expect.objectContaining({ name: 'VaultFault', code: 'BAD_KEY' }) as Error;
    expect(() => tokenHash(Buffer.alloc(0), 'token')).toThrow(fault);
    expect(() => tokenHash(key.subarray(1), 'token')).toThrow(fault);
  });

  it('is HMAC-SHA256 as RFC 2104 defines it', () => {
    const padded = (byte: number) => Buffer.alloc(64, byte).map((pad, index) => pad ^ (key[index] ?? 0));
    const inner = createHash('sha256').update(padded(0x36)).update('token').digest();
    expect(tokenHash(key, 'token')).toEqual(createHash('sha256').update(padded(0x5c)).update(inner).digest());
  });
});

describe('fingerprint', () => {
  it('is the first 12 digits of the keyed hash, for text and bytes alike', () => {
    expect(fingerprint(key, 'value')).toBe(tokenHash(key, 'value').toString('hex').slice(0, 12));
    expect(fingerprint(key, Buffer.from('value'))).toBe(fingerprint(key, 'value'));
  });

  it('tells two values apart and cannot be compared across keys', () => {
    expect(fingerprint(key, 'a')).not.toBe(fingerprint(key, 'b'));
    expect(fingerprint(key, 'a')).not.toBe(fingerprint(otherKey, 'a'));
  });
});
