/**
 * Counting for the request path. prom-client looks its labels up at each count, which costs more than all that a worker
 * measures by it: here counting is an addition, and prom-client is told when metrics are asked for.
 */
import { Counter, type CounterConfiguration, type Registry } from 'prom-client';

/** Counts that one combination of labels has had since metrics were last asked for. */
export interface Tally {
  pending: number;
}

/** A counter of prom-client's that is told of its tallies as metrics are asked for. */
export class TalliedCounter<Label extends string> {
  readonly #tallies: (Tally & { readonly labels: Readonly<Record<Label, string>> })[] = [];

  constructor(options: Pick<CounterConfiguration<Label>, 'name' | 'help' | 'labelNames' | 'registers'>) {
    const tallies = this.#tallies;
    new Counter({
      ...options,
      collect() {
        for (const tally of tallies) {
          if (tally.pending > 0) this.inc(tally.labels, tally.pending);
          tally.pending = 0;
        }
      },
    });
  }

  /** The tally of a combination of labels: to be asked for once and kept. */
  tally(labels: Readonly<Record<Label, string>>): Tally {
    const tally = { pending: 0, labels };
    this.#tallies.push(tally);
    return tally;
  }
}

/** A histogram without labels, in the form that prom-client's registry exports. */
export class TalliedHistogram {
  readonly aggregator = 'sum';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param buckets upper bounds, ascending */
  constructor({ name, help, buckets }: { name: string; help: string; buckets: readonly number[] }, registry: Registry) {
    this.name = name;
    this.help = help;
    this.#bounds = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
    // The registry asks a metric for its name and for `get` alone; its type names the library's own classes.
    registry.registerMetric(this as unknown as Counter);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (this.#counts[bucket] as number)++;
    this.#sum += value;
  }

  get(): Promise<object> {
    let count = 0;
    const values = [...this.#counts].map((inBucket, index) => {
      count += inBucket;
      return { metricName: `${this.name}_bucket`, labels: { le: this.#bounds[index] ?? '+Inf' }, value: count };
    });
    const { name, help, aggregator } = this;
    const totals = [
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
    return Promise.resolve({ name, help, type: 'histogram', aggregator, values: [...values, ...totals] });
  }
}
