import perfHooks from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { Metrics } from './metrics.ts';

const newMetrics = () => new Metrics({ revision: () => 812, pooled: () => 4, auditPending: () => 5 });

describe('Metrics', () => {
  it('looks at the event loop ten times a second at most, as that is work that nobody asked for', () => {
    const looking = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
    try {
      newMetrics();
      expect(looking.mock.calls.map(([options]) => options?.resolution)).toEqual([100]);
    } finally {
      looking.mockRestore();
    }
  });

  it('counts requests, denials and replacements', async () => {
    const metrics = newMetrics();
    metrics.request('allow', 'GET', 200, 'ALLOWED');
    metrics.request('allow', 'GET', 204, 'ALLOWED');
    metrics.request('deny', 'POST', 403, 'POLICY_DENIED');
    metrics.replaced(['header', 'basic', 'header']);
    const text = await metrics.registry.metrics();
    expect(text).toContain('onecli_requests_total{decision="allow",method="GET",status_class="2xx"} 2');
    expect(text).toContain('onecli_denials_total{reason="POLICY_DENIED"} 1');
    expect(text).toContain('onecli_replacements_total{surface="header"} 2');
    expect(text).not.toContain('reason="ALLOWED"');
  });

  it('counts what comes after it was asked on top of what came before', async () => {
    const metrics = newMetrics();
    metrics.request('allow', 'GET', 200, 'ALLOWED');
    await metrics.registry.metrics();
    metrics.request('allow', 'GET', 200, 'ALLOWED');
    expect(await metrics.registry.metrics()).toContain('status_class="2xx"} 2');
    expect(await metrics.registry.metrics()).toContain('status_class="2xx"} 2');
  });

  it('gives its overhead as a histogram: each bucket holds those below it', async () => {
    const metrics = newMetrics();
    for (const seconds of [0.0001, 0.0004, 0.0004, 2]) metrics.overhead(seconds);
    const lines = (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => /^(# TYPE )?onecli_overhead/.test(line));
    expect(lines).toEqual([
      '# TYPE onecli_overhead_seconds histogram',
      ...[
        '0.0001"} 1',
        '0.0005"} 3',
        '0.001"} 3',
        '0.005"} 3',
        '0.01"} 3',
        '0.05"} 3',
        '0.1"} 3',
        '0.5"} 3',
        '+Inf"} 4',
      ].map((rest) => `onecli_overhead_seconds_bucket{le="${rest}`),
      `onecli_overhead_seconds_sum ${0.0001 + 0.0004 + 0.0004 + 2}`,
      'onecli_overhead_seconds_count 4',
    ]);
  });

  it('reads its gauges when it is asked', async () => {
    const text = await newMetrics().registry.metrics();
    expect(text).toContain('onecli_config_revision 812');
    expect(text).toContain('onecli_pooled_connections 4');
  });

  it('does not grow with the methods that an agent thinks up', async () => {
    const metrics = newMetrics();
    for (let index = 0; index < 1000; index++) metrics.request('deny', `M${index}`, 403, 'POLICY_DENIED');
    const lines = (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('onecli_requests_total{'));
    expect(lines).toEqual(['onecli_requests_total{decision="deny",method="OTHER",status_class="4xx"} 1000']);
  });

  it('keeps two workers of one process apart', async () => {
    const [one, other] = [newMetrics(), newMetrics()];
    one.tunnels.inc();
    expect(await one.registry.metrics()).toContain('onecli_open_connections 1');
    expect(await other.registry.metrics()).toContain('onecli_open_connections 0');
  });
});
