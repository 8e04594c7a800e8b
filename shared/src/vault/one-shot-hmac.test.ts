import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmacBlockBytes, OneShotHmac } from './one-shot-hmac.ts';

describe('OneShotHmac', () => {
  it.each([0, 16, 32, 64])('is HMAC-SHA-256 of messages of any length, with a key of %i bytes', (length) => {
    const key = randomBytes(length);
    const hmac = new OneShotHmac(key, 32);
    for (const size of [0, 1, 63, 64, 40_000, 5]) {
      const message = randomBytes(size);
      hmac.room(size).set(message, hmacBlockBytes);
      expect(hmac.hex(size)).toBe(createHmac('sha256', key).update(message).digest('hex'));
    }
  });

  it('takes no key that HMAC would have to hash first', () => {
    expect(() => new OneShotHmac(Buffer.alloc(65))).toThrow(RangeError);
  });
});
