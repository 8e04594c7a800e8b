/** Traces and metrics for an OpenTelemetry collector. */
import type { TraceParent } from './trace-context.ts';

export interface TelemetrySettings {
  /** Of the collector, OTLP over HTTP; undefined: as OTEL_EXPORTER_OTLP_ENDPOINT says. */
  readonly endpoint: string | undefined;
  /** `onecli-worker`, `onecli-control-plane`; OTEL_SERVICE_NAME wins. */
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span that is over. It holds names, numbers and codes: never a value, a query or a path. */
export interface FinishedSpan {
  readonly name: string;
  readonly kind: 'server' | 'internal';
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly parent: TraceParent | undefined;
  readonly attributes: Attributes;
  readonly isError: boolean;
}

/** A metric as prom-client gives it. */
export interface PromMetric {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge` or `histogram`; the types of prom-client say that it is a number. */
  readonly type: unknown;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number | undefined>>;
    readonly metricName?: string;
  }[];
}

export interface Telemetry {
  /** Takes a span; sends it with others, later. Bounded: what a collector that is away does not take is dropped. */
  span(span: FinishedSpan): void;
  /** Sends what is there, for at most some seconds. */
  close(): Promise<void>;
}
