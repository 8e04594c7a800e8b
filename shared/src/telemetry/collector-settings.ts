/** Where the collector is, if there is one. What else OpenTelemetry's exporters read (OTEL_…) is theirs. */
import { z } from 'zod';

export interface CollectorSettings {
  /** Undefined: OTEL_EXPORTER_OTLP_ENDPOINT says it, to the exporters themselves. */
  readonly endpoint: string | undefined;
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const url = z
  .string()
  .refine(isHttpUrl, 'expected an http:// or https:// URL')
  .optional()
  .describe('an http:// or https:// URL of a collector, without /v1/traces');

export const telemetryVariables = { ONECLI_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_ENDPOINT: url };

/** @returns undefined when no collector is configured */
export function collectorSettings(given: {
  readonly ONECLI_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
}): CollectorSettings | undefined {
  const { ONECLI_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: standard } = given;
  return endpoint === undefined && standard === undefined ? undefined : { endpoint: endpoint?.replace(/\/+$/, '') };
}
