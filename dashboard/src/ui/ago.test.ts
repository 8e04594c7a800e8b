import { describe, expect, it } from 'vitest';
import { agoOf } from './ago.ts';

describe('how long ago', () => {
  it('is told in the largest whole unit', () => {
    expect(agoOf(-20_000)).toBe('just now');
    expect(agoOf(-119_000)).toMatch(/^1 min/);
    expect(agoOf(-3 * 3_600_000 - 1)).toMatch(/^3 h/);
    expect(agoOf(-40 * 86_400_000)).toMatch(/^40 days/);
    expect(agoOf(5 * 86_400_000)).toMatch(/^in 5 days/);
  });
});
