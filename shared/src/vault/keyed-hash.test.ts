import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprint, isFingerprintOf, tokenHash } from './keyed-hash.ts';

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
  const [one, other] = ['0b9d2a6e-5d0c-4d8e-9a38-6c1f1b1f0a01', '0b9d2a6e-5d0c-4d8e-9a38-6c1f1b1f0a02'];

  it('is 16 digits of the keyed hash of the secret and the value', () => {
    expect(fingerprint(key, one, 'value')).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint(key, one, Buffer.from('value'))).toBe(fingerprint(key, one, 'value'));
  });

  it('differs for another value or under another key, and tells nothing of the same value in another secret', () => {
    expect(fingerprint(key, one, 'a')).not.toBe(fingerprint(key, one, 'b'));
    expect(fingerprint(key, one, 'a')).not.toBe(fingerprint(otherKey, one, 'a'));
    expect(fingerprint(key, one, 'a')).not.toBe(fingerprint(key, other, 'a'));
  });

  it('is known again, and so is the form of earlier releases', () => {
    const earlier = tokenHash(key, 'value').toString('hex').slice(0, 12);
    for (const stored of [fingerprint(key, one, 'value'), earlier]) {
      expect(isFingerprintOf(key, one, 'value', stored)).toBe(true);
      expect(isFingerprintOf(key, one, 'other', stored)).toBe(false);
    }
    expect(isFingerprintOf(key, other, 'value', fingerprint(key, one, 'value'))).toBe(false);
    expect(isFingerprintOf(key, one, 'value', '')).toBe(false);
  });
});
