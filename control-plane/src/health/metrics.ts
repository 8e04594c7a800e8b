import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** What this process counts, for Prometheus. No label holds a path, a name, a host or a secret. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status_class'>;
  readonly #revision: Gauge;
  readonly #auditWritten: Counter;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'onecli_http_requests_total',
      help: 'Requests to the API, by the route that answered',
      labelNames: ['method', 'route', 'status_class'],
      registers,
    });
    this.#revision = new Gauge({ name: 'onecli_config_revision', help: 'Revision of the configuration', registers });
    this.#auditWritten = new Counter({
      name: 'onecli_audit_events_written_total',
      help: 'Audit events taken from the queue and written',
      registers,
    });
  }

  /** A request ended. `route` is the route's pattern. */
  requestEnded(method: string, route: string, status: number): void {
    this.#requests.inc({ method, route, status_class: `${Math.floor(status / 100)}xx` });
  }

  revisionSeen(revision: number): void {
    this.#revision.set(revision);
  }

  auditWritten(events: number): void {
    this.#auditWritten.inc(events);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it in the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
