import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { trailBatch } from '../../ports/audit-queue.contract.ts';
import { openBatch, packBatch, sealBatch } from './audit-batch.ts';

const key = randomBytes(32);

describe('openBatch', () => {
  it.each([
    ['no entry', { ...trailBatch('b00t', 0), isEnd: true }],
    ['one entry', trailBatch('b00t', 1)],
    ['many entries', trailBatch('b00t', 1000)],
  ])('gives back what was sealed: %s', (_name, batch) => {
    expect(openBatch(key, sealBatch(key, packBatch(batch)))).toEqual(batch);
  });

  it('refuses what another key sealed, and what was altered', () => {
    const { sealed } = sealBatch(key, packBatch(trailBatch('b00t', 3)));
    const altered = Buffer.from(sealed, 'base64');
    altered[20] = (altered[20] ?? 0) ^ 1;
    expect(() => openBatch(randomBytes(32), { sealed })).toThrow('Cannot open');
    expect(() => openBatch(key, { sealed: altered.toString('base64') })).toThrow('Cannot open');
  });
});

describe('sealBatch', () => {
  it('makes a thousand requests of one agent a quarter of their text', () => {
    const batch = trailBatch('b00t', 1000);
    expect(sealBatch(key, packBatch(batch)).sealed.length).toBeLessThan(batch.text.length / 4);
  });
});
