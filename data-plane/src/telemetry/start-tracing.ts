import { startTelemetry } from '@onecli/shared/telemetry/start-telemetry';
import { productVersion } from '@onecli/shared/version';
import type { WorkerConfig } from '../config.ts';
import type { DataPlane } from '../proxy/data-plane.ts';

/** Lets requests be traced where a collector is configured. @returns sends what is left, at the end */
export async function startTracing(
  plane: DataPlane,
  { telemetry, name, isTraceContextForwarded }: Pick<WorkerConfig, 'telemetry' | 'name' | 'isTraceContextForwarded'>,
): Promise<() => Promise<void>> {
  plane.isTraceContextForwarded = isTraceContextForwarded;
  if (telemetry === undefined) return () => Promise.resolve();
  const facts = { endpoint: telemetry.endpoint, service: 'onecli-worker', instance: name, version: productVersion };
  const started = await startTelemetry(facts, () => plane.metrics.registry.getMetricsAsJSON());
  plane.telemetry = started;
  return () => started.close();
}
