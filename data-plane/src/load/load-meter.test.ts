import { describe, expect, it } from 'vitest';
import { LoadMeter } from './load-meter.ts';

function meter() {
  const now = { ms: 0, requests: 0, cpuMicros: 0, connections: 3 };
  const load = new LoadMeter({
    requests: () => now.requests,
    connections: () => now.connections,
    nowMs: () => now.ms,
    cpuMicros: () => now.cpuMicros,
    memoryBytes: () => 1_000,
    spoolBytes: () => 512,
  });
  return { now, load };
}

describe('LoadMeter', () => {
  it('tells rates since it was last asked, and what is there now', () => {
    const { now, load } = meter();
    Object.assign(now, { ms: 2_000, requests: 100, cpuMicros: 500_000, connections: 7 });
    const first = { requestsPerSecond: 50, cpuShare: 0.25, connections: 7, memoryBytes: 1_000, spoolBytes: 512 };
    expect(load.measure()).toEqual(first);
    Object.assign(now, { ms: 4_000, requests: 110 });
    expect(load.measure()).toMatchObject({ requestsPerSecond: 5, cpuShare: 0 });
  });

  it('makes no rate of a moment, and loses nothing of it', () => {
    const { now, load } = meter();
    Object.assign(now, { ms: 2_000, requests: 100 });
    load.measure();
    Object.assign(now, { ms: 2_010, requests: 120 });
    expect(load.measure().requestsPerSecond).toBe(50);
    Object.assign(now, { ms: 4_000 });
    expect(load.measure().requestsPerSecond).toBe(10);
  });
});
