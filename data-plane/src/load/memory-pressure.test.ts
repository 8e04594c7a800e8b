import { afterEach, describe, expect, it } from 'vitest';
import { MemoryPressure } from './memory-pressure.ts';

const gigabyte = 1024 ** 3;
const opened: MemoryPressure[] = [];
afterEach(() => {
  for (const pressure of opened.splice(0)) pressure.close();
});

/** A worker with a gigabyte, whose memory and connections are set by hand. */
function worker() {
  const facts = { residentShare: 0.1, heapShare: 0.1, connections: 0 };
  const pressure = new MemoryPressure({
    maxBytes: gigabyte,
    connectionCount: () => facts.connections,
    lookEveryMs: 1_000_000,
    read: () => ({
      residentBytes: facts.residentShare * gigabyte,
      heapBytes: facts.heapShare * 2 * gigabyte,
      heapLimitBytes: 2 * gigabyte,
    }),
  });
  opened.push(pressure);
  const set = (change: Partial<typeof facts>) => {
    Object.assign(facts, change);
    pressure.look();
  };
  return { pressure, facts, set };
}

describe('MemoryPressure', () => {
  it('lets everything in while there is memory', () => {
    const { pressure, set } = worker();
    set({ residentShare: 0.79, connections: 100_000 });
    expect([pressure.level, pressure.hasRoomForTunnel, pressure.hasRoomForRequest(100_000)]).toEqual([
      'low',
      true,
      true,
    ]);
  });

  it.each(['residentShare', 'heapShare'] as const)('refuses new tunnels first, by %s', (share) => {
    const { pressure, set } = worker();
    set({ [share]: 0.81, connections: 1_000 });
    expect([pressure.level, pressure.hasRoomForTunnel, pressure.hasRoomForRequest(1_000)]).toEqual([
      'high',
      false,
      true,
    ]);
  });

  it('refuses requests on open tunnels at the higher mark', () => {
    const { pressure, set } = worker();
    set({ residentShare: 0.93, connections: 1_000 });
    expect([pressure.level, pressure.hasRoomForTunnel, pressure.hasRoomForRequest(1_000)]).toEqual([
      'critical',
      false,
      false,
    ]);
  });

  it('is over only when memory has clearly fallen', () => {
    const { pressure, set } = worker();
    set({ residentShare: 0.81, connections: 1_000 });
    set({ residentShare: 0.77 });
    expect(pressure.level).toBe('high');
    set({ residentShare: 0.74 });
    expect([pressure.level, pressure.hasRoomForTunnel]).toEqual(['low', true]);
  });

  it('takes tunnels again when enough have ended, although the system has not got the memory back', () => {
    const { pressure, facts, set } = worker();
    set({ residentShare: 0.85, connections: 1_000 });
    facts.connections = 500;
    pressure.look();
    expect([pressure.level, pressure.hasRoomForTunnel]).toEqual(['high', true]);
    set({ residentShare: 0.86 });
    expect(pressure.hasRoomForTunnel).toBe(false);
  });

  it('never refuses the first few, so that it cannot be stuck', () => {
    const { pressure, set } = worker();
    set({ residentShare: 1.5, connections: 10 });
    expect([pressure.level, pressure.hasRoomForTunnel, pressure.hasRoomForRequest(3)]).toEqual([
      'critical',
      true,
      true,
    ]);
  });
});
