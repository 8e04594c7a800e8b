/** Spans of the control plane: calls of the API, and changes of the configuration. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import { startTelemetry } from '@onecli/shared/telemetry/start-telemetry';
import type { Telemetry } from '@onecli/shared/telemetry/telemetry';
import { readTraceParent, type TraceParent } from '@onecli/shared/telemetry/trace-context';
import { productVersion } from '@onecli/shared/version';
import type { Config } from './config.ts';
import type { Metrics } from './health/metrics.ts';

/** The trace that the caller of the API says that it is in. */
const callersTrace = new AsyncLocalStorage<TraceParent | undefined>();

/** Undefined where no collector is configured. */
export class ControlPlaneTracing {
  readonly #telemetry: Telemetry;

  /** A change was committed. */
  readonly changed = (startMs: number, revision: number): void => {
    this.#telemetry.span({
      name: 'change configuration',
      kind: 'internal',
      startMs,
      endMs: Date.now(),
      parent: callersTrace.getStore(),
      isError: false,
      attributes: { 'onecli.revision': revision },
    });
  };

  private constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  static async start({ telemetry }: Config, metrics: Metrics): Promise<ControlPlaneTracing | undefined> {
    if (telemetry === undefined) return undefined;
    const instance = `${hostname()}-${process.pid}`;
    const facts = { endpoint: telemetry.endpoint, service: 'onecli-control-plane', instance, version: productVersion };
    return new ControlPlaneTracing(await startTelemetry(facts, () => metrics.asJson()));
  }

  /** A call begins; `given` is its `traceparent`. */
  begin(given: string | undefined): TracedCall {
    return new TracedCall(this.#telemetry, readTraceParent(given));
  }

  close(): Promise<void> {
    return this.#telemetry.close();
  }
}

class TracedCall {
  readonly #telemetry: Telemetry;
  readonly #parent: TraceParent | undefined;
  readonly #startMs = Date.now();

  constructor(telemetry: Telemetry, parent: TraceParent | undefined) {
    this.#telemetry = telemetry;
    this.#parent = parent;
  }

  /** Runs what answers it, so that changes that it makes are in the trace of who called. */
  within(answer: () => void): void {
    callersTrace.run(this.#parent, answer);
  }

  /** It was answered. `route` is a pattern. */
  answered({ method, route, status, requestId }: AnsweredCall): void {
    this.#telemetry.span({
      name: `${method} ${route}`,
      kind: 'server',
      startMs: this.#startMs,
      endMs: Date.now(),
      parent: this.#parent,
      isError: status >= 500,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
        'onecli.request_id': requestId,
      },
    });
  }
}

interface AnsweredCall {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly requestId: string;
}
