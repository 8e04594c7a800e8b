import { defaultMetrics } from '@onecli/shared/default-metrics';
import type { Surface } from '@onecli/shared/domain/binding';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type Tally, TalliedCounter, TalliedHistogram } from './tallies.ts';

/** What a worker counts. No path, secret, agent or raw host is ever a label. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new TalliedCounter({
    name: 'onecli_requests_total',
    help: 'Requests answered, by decision, method and class of status.',
    labelNames: ['decision', 'method', 'status_class'] as const,
    registers: [this.registry],
  });
  readonly #denials = new TalliedCounter({
    name: 'onecli_denials_total',
    help: 'Requests refused, by reason.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  readonly #replacements = new TalliedCounter({
    name: 'onecli_replacements_total',
    help: 'Placeholders replaced, by surface.',
    labelNames: ['surface'] as const,
    registers: [this.registry],
  });
  readonly #overhead = new TalliedHistogram(
    {
      name: 'onecli_overhead_seconds',
      help: 'Time from a request head to the start of forwarding it.',
      buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
    },
    this.registry,
  );
  readonly tunnels = new Gauge({
    name: 'onecli_open_connections',
    help: 'Connections of agents that are open now.',
    registers: [this.registry],
  });
  readonly auditLost = new Counter({
    name: 'onecli_audit_lost_total',
    help: 'Audit events that could not be kept.',
    registers: [this.registry],
  });
  #requestCount = 0;
  /** By decision and method, then by class of status. */
  readonly #allowed = new Map<string, Tally[]>();
  readonly #denied = new Map<string, Tally[]>();
  readonly #byReason = new Map<string, Tally>();
  readonly #bySurface = new Map<Surface, Tally>();

  /** @param gauges read when metrics are asked for */
  constructor(gauges: { revision: () => number; pooled: () => number; auditPending: () => number }) {
    collectDefaultMetrics({ ...defaultMetrics, register: this.registry });
    this.#gauge('onecli_config_revision', 'The revision of the configuration in force.', gauges.revision);
    this.#gauge('onecli_pooled_connections', 'Idle connections to upstreams.', gauges.pooled);
    this.#gauge('onecli_audit_pending_events', 'Audit events not yet in the queue.', gauges.auditPending);
  }

  /** Counts one request that was answered. */
  request(decision: 'allow' | 'deny', method: string, status: number, reason: string): void {
    this.#requestCount++;
    const known = knownMethods.has(method) ? method : 'OTHER';
    const byMethod = decision === 'allow' ? this.#allowed : this.#denied;
    let byClass = byMethod.get(known);
    if (!byClass) byMethod.set(known, (byClass = []));
    const statusClass = Math.floor(status / 100);
    (byClass[statusClass] ??= this.#requests.tally({
      decision,
      method: known,
      status_class: `${statusClass}xx`,
    })).pending++;
    if (decision === 'deny') count(this.#byReason, reason, () => this.#denials.tally({ reason }));
  }

  /** Requests answered since the start. */
  get requestCount(): number {
    return this.#requestCount;
  }

  replaced(surfaces: readonly Surface[]): void {
    for (const surface of surfaces) count(this.#bySurface, surface, () => this.#replacements.tally({ surface }));
  }

  overhead(seconds: number): void {
    this.#overhead.observe(seconds);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function count<Key>(tallies: Map<Key, Tally>, key: Key, make: () => Tally): void {
  let tally = tallies.get(key);
  if (!tally) tallies.set(key, (tally = make()));
  tally.pending++;
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']);
