import type { AuthorityKind } from '@onecli/shared/certificates/sealed-authority';
import { defaultMetrics } from '@onecli/shared/default-metrics';
import type { Fault } from '@onecli/shared/fault';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { isOfLogin } from '../auth/passwords/password-login.ts';
import { type WorkerLoad, WorkerLoadGauges } from './worker-load-gauges.ts';

/** What clients may send; a method that is none of these is counted as `other`. */
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export type GraphqlKind = 'query' | 'mutation' | 'subscription' | 'invalid';

/** What is looked up when somebody asks for the metrics. Undefined: it cannot be asked now, and is left out. */
export interface Gauges {
  /** Batches of audit events that wait in the queue, are in hand, or were given up. */
  readonly queue: Readonly<Record<'waiting' | 'active' | 'failed', number>> | undefined;
  /** Workers, the lowest revision that a live one has applied, and what those have to do. */
  readonly workers:
    | {
        readonly live: number;
        readonly gone: number;
        readonly lowestRevision: number | undefined;
        readonly load: WorkerLoad;
      }
    | undefined;
  readonly pool: Readonly<Record<'used' | 'idle' | 'waiting', number>> | undefined;
}

/** What this process counts, for Prometheus. No label holds a path, a name, a host or a secret: each has few values. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status_class'>;
  readonly #seconds: Histogram<'route'>;
  readonly #operations: Counter<'type' | 'outcome'>;
  readonly #faults: Counter<'code'>;
  readonly #logins: Counter;
  readonly #changes: Counter;
  readonly #revision: Gauge;
  readonly #auditWritten: Counter;
  readonly #auditFailed: Counter;
  readonly #auditLag: Histogram;
  readonly #chainFaults: Counter<'kind'>;
  readonly #treeSound: Gauge;
  readonly #sinkSent: Counter<'sink'>;
  readonly #sinkFailed: Counter<'sink'>;
  readonly #queue: Gauge<'state'>;
  readonly #pool: Gauge<'state'>;
  readonly #workers: Gauge<'state'>;
  readonly #lowestRevision: Gauge;
  readonly #workerLoad = new WorkerLoadGauges(this.#registry);
  readonly #expiring: Gauge<'state'>;
  readonly #authorityEnds: Gauge<'kind'>;
  readonly #leader: Gauge;
  readonly #leaderLooks: Counter<'job' | 'outcome'>;

  constructor() {
    collectDefaultMetrics({ ...defaultMetrics, register: this.#registry });
    this.#requests = this.#counter('onecli_http_requests_total', 'Requests to the API, by the route that answered', [
      'method',
      'route',
      'status_class',
    ]);
    this.#seconds = this.#histogram('onecli_http_request_seconds', 'How long answers of the API took', ['route']);
    this.#operations = this.#counter('onecli_graphql_operations_total', 'GraphQL operations', ['type', 'outcome']);
    this.#faults = this.#counter('onecli_api_faults_total', 'Refusals and faults that the API answered with', ['code']);
    this.#logins = this.#counter('onecli_logins_failed_total', 'Logins that were refused', []);
    this.#changes = this.#counter('onecli_config_changes_total', 'Changes of the configuration by this process', []);
    this.#revision = this.#gauge('onecli_config_revision', 'Revision of the configuration', []);
    this.#auditWritten = this.#counter('onecli_audit_events_written_total', 'Audit events that were written', []);
    this.#auditFailed = this.#counter('onecli_audit_batches_failed_total', 'Writes of audit batches that failed', []);
    this.#auditLag = this.#histogram(
      'onecli_audit_lag_seconds',
      'Age of the oldest event of a batch when it was written',
      [],
    );
    this.#chainFaults = this.#counter(
      'onecli_audit_chain_faults_total',
      'Faults of the chains of workers’ audit trails',
      ['kind'],
    );
    this.#treeSound = this.#gauge(
      'onecli_audit_tree_sound',
      '1: the stored audit trail goes on from what was signed',
      [],
    );
    this.#sinkSent = this.#counter('onecli_audit_sink_events_total', 'Audit events that a sink has taken', ['sink']);
    this.#sinkFailed = this.#counter('onecli_audit_sink_failures_total', 'Batches that a sink did not take', ['sink']);
    this.#queue = this.#gauge('onecli_audit_queue_batches', 'Batches of audit events in the queue', ['state']);
    this.#pool = this.#gauge('onecli_database_connections', 'Connections of the pool, and callers that wait', [
      'state',
    ]);
    this.#workers = this.#gauge('onecli_workers', 'Workers that reported themselves', ['state']);
    this.#lowestRevision = this.#gauge(
      'onecli_workers_lowest_revision',
      'Lowest revision that a live worker applied',
      [],
    );
    this.#expiring = this.#gauge('onecli_secrets_expiring', 'Secrets that expire within 14 days, or have expired', [
      'state',
    ]);
    this.#authorityEnds = this.#gauge(
      'onecli_authority_expires_timestamp_seconds',
      'When the first certificate of the chain of the authority that signs ends',
      ['kind'],
    );
    this.#leader = this.#gauge('onecli_leader', '1 where this control plane does what one does for all, else 0', []);
    this.#leaderLooks = this.#counter('onecli_leader_looks_total', 'Times that a job of the leader has looked', [
      'job',
      'outcome',
    ]);
  }

  leads(isLeading: boolean): void {
    this.#leader.set(isLeading ? 1 : 0);
  }

  leaderLooked(job: string, isDone: boolean): void {
    this.#leaderLooks.inc({ job, outcome: isDone ? 'done' : 'failed' });
  }

  /** When the first certificate of the chain of the authority that signs ends. */
  authorityEnds(kind: AuthorityKind, at: Date | undefined): void {
    const labels = { kind: kind.toLowerCase() };
    if (at === undefined) this.#authorityEnds.remove(labels);
    else this.#authorityEnds.set(labels, at.getTime() / 1000);
  }

  /** Secrets that expire within two weeks, and that have expired. */
  secretsExpiring(counts: { readonly expiring: number; readonly expired: number } | undefined): void {
    set(this.#expiring, counts && { expiring: counts.expiring, expired: counts.expired });
  }

  /** A request ended. `route` is the route's pattern. */
  requestEnded(method: string, route: string, status: number, seconds: number): void {
    const known = knownMethods.has(method) ? method : 'other';
    this.#requests.inc({ method: known, route, status_class: `${Math.floor(status / 100)}xx` });
    this.#seconds.observe({ route }, seconds);
  }

  /** A query or mutation was answered, or a subscription has begun; with errors, or not. */
  graphqlAnswered(type: GraphqlKind, hasErrors: boolean): void {
    this.#operations.inc({ type, outcome: hasErrors ? 'errors' : 'ok' });
  }

  /** An answer is a fault, or an error of GraphQL is one. */
  faultAnswered(fault: Fault): void {
    this.#faults.inc({ code: fault.code });
    if (isOfLogin(fault)) this.#logins.inc();
  }

  configChanged(): void {
    this.#changes.inc();
  }

  revisionSeen(revision: number): void {
    this.#revision.set(revision);
  }

  auditWritten(events: number, lagSeconds: number): void {
    this.#auditWritten.inc(events);
    this.#auditLag.observe(lagSeconds);
  }

  /** Entries of a worker's trail are lost, or were altered on their way. */
  auditChainFaulty(kind: 'GAP' | 'BROKEN'): void {
    this.#chainFaults.inc({ kind });
  }

  /** `sink` is `webhook` or `syslog`. */
  auditSent(sink: string, events: number): void {
    this.#sinkSent.inc({ sink }, events);
  }

  auditSinkFailed(sink: string): void {
    this.#sinkFailed.inc({ sink });
  }

  /** Undefined: another control plane looks after it. */
  auditTreeSound(isSound: boolean | undefined): void {
    if (isSound === undefined) this.#treeSound.remove();
    else this.#treeSound.set(isSound ? 1 : 0);
  }

  auditFailed(): void {
    this.#auditFailed.inc();
  }

  /** Takes what was looked up. What could not be is not told at all: an old figure would look like a good one. */
  take({ queue, workers, pool }: Gauges): void {
    set(this.#queue, queue);
    set(this.#pool, pool);
    set(this.#workers, workers && { live: workers.live, gone: workers.gone });
    if (workers?.lowestRevision === undefined) this.#lowestRevision.remove();
    else this.#lowestRevision.set(workers.lowestRevision);
    this.#workerLoad.take(workers?.load);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it in the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The same, for other forms than Prometheus's. */
  asJson(): ReturnType<Registry['getMetricsAsJSON']> {
    return this.#registry.getMetricsAsJSON();
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Histogram<Label> {
    const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
    return new Histogram({ name, help, labelNames: [...labelNames], buckets, registers: [this.#registry] });
  }
}

function set(gauge: Gauge<'state'>, values: Readonly<Record<string, number>> | undefined): void {
  gauge.reset();
  for (const [state, value] of Object.entries(values ?? {})) gauge.set({ state }, value);
}
