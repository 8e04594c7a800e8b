/** The metrics that `/metrics` has, in OpenTelemetry's form. */
import { type Attributes, ValueType } from '@opentelemetry/api';
import { defaultResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { PromMetric } from './telemetry.ts';

type HrTime = [number, number];
type Values = PromMetric['values'];

export class PromMetricProducer implements MetricProducer {
  readonly #read: () => Promise<readonly PromMetric[]>;
  readonly #since = hrTime(Date.now());

  constructor(read: () => Promise<readonly PromMetric[]>) {
    this.#read = read;
  }

  async collect(): Promise<CollectionResult> {
    const metrics = (await this.#read()).flatMap((metric) => this.#convert(metric) ?? []);
    const scopeMetrics = [{ scope: { name: 'onecli' }, metrics }];
    return { resourceMetrics: { resource: defaultResource(), scopeMetrics }, errors: [] };
  }

  #convert({ name, help, type, values }: PromMetric): MetricData | undefined {
    const times = { startTime: this.#since, endTime: hrTime(Date.now()) };
    const common = {
      descriptor: { name, description: help, unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    const points = (): DataPoint<number>[] =>
      values.map(({ value, labels }) => ({ ...times, value, attributes: attributesOf(labels) }));
    switch (type) {
      case 'counter':
        return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() };
      case 'gauge':
        return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: points() };
      case 'histogram': {
        const dataPoints = histograms(name, values).map((point) => ({ ...times, ...point }));
        return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
      }
      default:
        return undefined;
    }
  }
}

/** One histogram for each set of labels. Prometheus counts up to each bound, OpenTelemetry between them. */
function histograms(name: string, values: Values): { attributes: Attributes; value: Histogram }[] {
  const series = new Map<
    string,
    { labels: Values[number]['labels']; buckets: [number, number][]; sum: number; count: number }
  >();
  for (const { value, labels, metricName } of values) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const one = series.get(key) ?? { labels: rest, buckets: [], sum: 0, count: 0 };
    series.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    else if (metricName === `${name}_count`) one.count = value;
    else if (le !== undefined && le !== '+Inf') one.buckets.push([Number(le), value]);
  }
  return [...series.values()].map(({ labels, buckets, sum, count }) => {
    const sorted = buckets.toSorted(([a], [b]) => a - b);
    const between = sorted.map(([, upTo], index) => upTo - (sorted[index - 1]?.[1] ?? 0));
    const counts = [...between, count - (sorted.at(-1)?.[1] ?? 0)];
    return {
      attributes: attributesOf(labels),
      value: { buckets: { boundaries: sorted.map(([bound]) => bound), counts }, sum, count },
    };
  });
}

function attributesOf(labels: Values[number]['labels']): Attributes {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)) as Attributes;
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}
