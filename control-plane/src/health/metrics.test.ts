import perfHooks from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { Metrics } from './metrics.ts';

describe('Metrics', () => {
  it('looks at the event loop ten times a second at most, as that is work that nobody asked for', () => {
    const looking = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
    try {
      new Metrics();
      expect(looking.mock.calls.map(([options]) => options?.resolution)).toEqual([100]);
    } finally {
      looking.mockRestore();
    }
  });
});
