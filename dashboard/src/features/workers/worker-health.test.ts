import { describe, expect, it } from 'vitest';
import { healthOf } from './worker-health.ts';

const worker = { isLive: true, appliedRevision: 8, load: { cpuShare: 0.2, spoolBytes: 0 } };
const textOf = (change: Partial<typeof worker>) => healthOf({ ...worker, ...change }, 8).text;

describe('the health of a worker', () => {
  it('is good when it is live, up to date and not busy', () => {
    expect(textOf({})).toBe('Healthy');
    expect(healthOf({ ...worker, load: null }, 8).text).toBe('Healthy');
    // It may be asked of before the revision was read again.
    expect(healthOf({ ...worker, appliedRevision: 9 }, 8).text).toBe('Healthy');
  });

  it('names the worst', () => {
    expect(textOf({ isLive: false, appliedRevision: 3 })).toBe('Silent');
    expect(textOf({ appliedRevision: 7, load: { cpuShare: 1, spoolBytes: 0 } })).toBe('1 revision behind');
    expect(textOf({ load: { cpuShare: 1, spoolBytes: 60_000_000 } })).toBe('Audit events wait');
    expect(textOf({ load: { cpuShare: 0.95, spoolBytes: 0 } })).toBe('Busy');
  });
});
