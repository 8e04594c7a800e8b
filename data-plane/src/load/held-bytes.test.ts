import { describe, expect, it } from 'vitest';
import { HeldBytes } from './held-bytes.ts';

describe('HeldBytes', () => {
  it('counts up to its bound, and what is refused is not counted', () => {
    const held = new HeldBytes(10);
    expect([held.take(6), held.take(5), held.take(4), held.take(1)]).toEqual([true, false, true, false]);
    held.give(6);
    expect([held.bytes, held.take(6)]).toEqual([4, true]);
  });
});
