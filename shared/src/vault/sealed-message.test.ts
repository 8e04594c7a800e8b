import { describe, expect, it } from 'vitest';
import { openMessage, sealMessage } from './sealed-message.ts';

const key = Buffer.alloc(32, 7);
const payload = Buffer.from('{"events":[]}');
const sealed = sealMessage(key, 'audit-queue', payload);
const fault = (code: string) => expect.objectContaining({ name: 'VaultFault', code }) as Error;

describe('sealMessage', () => {
  it.each([0, 1, 2_000_000])('gives back %i bytes as they were', (size) => {
    const bytes = Buffer.alloc(size, 0x5a);
    const blob = sealMessage(key, 'snapshot-file', bytes);
    expect(blob.length).toBe(size + 29);
    expect(openMessage(key, 'snapshot-file', blob).equals(bytes)).toBe(true);
  });

  it('seals the same payload differently each time and does not hold it', () => {
    expect(sealMessage(key, 'audit-queue', payload).equals(sealed)).toBe(false);
    expect(sealed.includes('events')).toBe(false);
  });

  it('refuses a key that is not 32 bytes', () => {
    expect(() => sealMessage(key.subarray(1), 'audit-queue', payload)).toThrow(fault('BAD_KEY'));
    expect(() => openMessage(Buffer.alloc(0), 'audit-queue', sealed)).toThrow(fault('BAD_KEY'));
  });
});

describe('openMessage', () => {
  it('opens what this format has always been', () => {
    const stored = Buffer.from(
      '029fc6858745981bee0a101dea509fdc7c74f572c9e4d9e4ae7d6fdab88e40306bb8807dfded2ef8ef7538',
      'hex',
    );
    expect(openMessage(key, 'audit-queue', stored).toString()).toBe('golden message');
  });

  it('refuses another purpose and another key', () => {
    expect(() => openMessage(key, 'snapshot-file', sealed)).toThrow(fault('CANNOT_OPEN'));
    expect(() => openMessage(Buffer.alloc(32, 8), 'audit-queue', sealed)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses any flipped bit', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => openMessage(key, 'audit-queue', flipped), `bit ${bit}`).toThrow(fault('CANNOT_OPEN'));
    }
  });

  it('refuses any shorter length', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openMessage(key, 'audit-queue', sealed.subarray(0, length))).toThrow(fault('CANNOT_OPEN'));
    }
  });
});
