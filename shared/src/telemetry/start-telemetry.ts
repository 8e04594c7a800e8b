import type { PromMetric, Telemetry, TelemetrySettings } from './telemetry.ts';

/**
 * Nothing of OpenTelemetry's SDK is loaded before this is called: where no collector is configured, never.
 * @param metrics read now and then, and sent
 */
export async function startTelemetry(
  settings: TelemetrySettings,
  metrics: () => Promise<readonly PromMetric[]>,
): Promise<Telemetry> {
  const { OtlpTelemetry } = await import('./otlp-telemetry.ts');
  return new OtlpTelemetry(settings, metrics);
}
