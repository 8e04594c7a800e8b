/** OpenTelemetry's own exporters, over what this project keeps of spans and metrics. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { PromMetricProducer } from './prom-metric-producer.ts';
import type { FinishedSpan, PromMetric, Telemetry, TelemetrySettings } from './telemetry.ts';

const metricsEveryMs = 15_000;
const closeMs = 3_000;

export class OtlpTelemetry implements Telemetry {
  readonly #spans: BasicTracerProvider;
  readonly #metrics: MeterProvider;
  readonly #tracer: Tracer;

  constructor(settings: TelemetrySettings, metrics: () => Promise<readonly PromMetric[]>) {
    const own = resourceFromAttributes({
      'service.name': settings.service,
      'service.instance.id': settings.instance,
      'service.version': settings.version,
    });
    const resource = defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] }));
    const to = (path: string) =>
      settings.endpoint === undefined ? {} : { url: new URL(path, `${settings.endpoint}/`).href };
    this.#spans = new BasicTracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(to('v1/traces')))],
    });
    this.#tracer = this.#spans.getTracer('onecli', settings.version);
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(to('v1/metrics')),
      exportIntervalMillis: metricsEveryMs,
      metricProducers: [new PromMetricProducer(metrics)],
    });
    this.#metrics = new MeterProvider({ resource, readers: [reader] });
  }

  span({ name, kind, startMs, endMs, parent, attributes, isError }: FinishedSpan): void {
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          });
    const options = { kind: kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL, startTime: startMs, attributes };
    const span = this.#tracer.startSpan(name, options, context);
    if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  }

  async close(): Promise<void> {
    const all = Promise.allSettled([this.#spans.shutdown(), this.#metrics.shutdown()]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeMs)));
    await Promise.race([all, late]);
    clearTimeout(timer);
  }
}
