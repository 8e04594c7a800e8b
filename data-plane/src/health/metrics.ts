import type { Surface } from '@onecli/shared/domain/binding';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a worker counts. No path, secret, agent or raw host is ever a label. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'onecli_requests_total',
    help: 'Requests answered, by decision, method and class of status.',
    labelNames: ['decision', 'method', 'status_class'],
    registers: [this.registry],
  });
  readonly #denials = new Counter({
    name: 'onecli_denials_total',
    help: 'Requests refused, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #replacements = new Counter({
    name: 'onecli_replacements_total',
    help: 'Placeholders replaced, by surface.',
    labelNames: ['surface'],
    registers: [this.registry],
  });
  readonly #overhead = new Histogram({
    name: 'onecli_overhead_seconds',
    help: 'Time from a request head to the start of forwarding it.',
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
    registers: [this.registry],
  });
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
  readonly #children = new Map<string, { inc(): void }>();

  /** @param gauges read when metrics are asked for */
  constructor(gauges: { revision: () => number; pooled: () => number; auditPending: () => number }) {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge('onecli_config_revision', 'The revision of the configuration in force.', gauges.revision);
    this.#gauge('onecli_pooled_connections', 'Idle connections to upstreams.', gauges.pooled);
    this.#gauge('onecli_audit_pending_events', 'Audit events not yet in the queue.', gauges.auditPending);
  }

  /** Counts one request that was answered. */
  request(decision: 'allow' | 'deny', method: string, status: number, reason: string): void {
    const known = knownMethods.has(method) ? method : 'OTHER';
    const statusClass = `${Math.floor(status / 100)}xx`;
    this.#child(`${decision} ${known} ${statusClass}`, () => this.#requests.labels(decision, known, statusClass)).inc();
    if (decision === 'deny') this.#child(reason, () => this.#denials.labels(reason)).inc();
  }

  replaced(surfaces: readonly Surface[]): void {
    for (const surface of surfaces) this.#child(surface, () => this.#replacements.labels(surface)).inc();
  }

  overhead(seconds: number): void {
    this.#overhead.observe(seconds);
  }

  /** Looking a labelled counter up costs more than counting: each is looked up once. */
  #child(key: string, make: () => { inc(): void }): { inc(): void } {
    let child = this.#children.get(key);
    if (!child) {
      child = make();
      this.#children.set(key, child);
    }
    return child;
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

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']);
