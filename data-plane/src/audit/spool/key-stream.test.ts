import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyStream, wordsOf } from './key-stream.ts';

describe('KeyStream', () => {
  it('encrypts as the cipher does, whatever the lengths', () => {
    const key = randomBytes(32);
    const made = (): ReturnType<typeof createCipheriv> => createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
    const plain: Buffer[] = [];
    for (let length = 0; length < 70; length++) plain.push(randomBytes(length));
    for (const length of [600, 4095, 32 * 1024, 32 * 1024 - 1, 100_001, 1, 2, 3, 65_536])
      plain.push(randomBytes(length));
    const stream = new KeyStream(made());
    const buffer = Buffer.allocUnsafeSlow(200_000);
    const covered = plain.map((bytes) => {
      const { phase } = stream;
      bytes.copy(buffer, phase);
      stream.cover(buffer, wordsOf(buffer), phase + bytes.length);
      return Buffer.from(buffer.subarray(phase, phase + bytes.length));
    });
    expect(Buffer.concat(covered).equals(made().update(Buffer.concat(plain)))).toBe(true);
  });

  it('changes nothing beside what it covers', () => {
    const stream = new KeyStream(createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16)));
    const buffer = Buffer.alloc(64);
    stream.cover(buffer, wordsOf(buffer), 5);
    const { phase } = stream;
    expect(phase).toBe(1);
    buffer.fill(0);
    stream.cover(buffer, wordsOf(buffer), phase + 9);
    expect(buffer[0]).toBe(0);
    expect(buffer.subarray(phase + 9).equals(Buffer.alloc(64 - 9 - phase))).toBe(true);
    expect(buffer.subarray(phase, phase + 9).equals(Buffer.alloc(9))).toBe(false);
  });
});
