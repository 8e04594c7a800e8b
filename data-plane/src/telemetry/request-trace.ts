/** When the steps of a request were taken, for its span. There is none where no collector is configured. */
import type { Attributes, Telemetry } from '@onecli/shared/telemetry/telemetry';
import { readTraceParent } from '@onecli/shared/telemetry/trace-context';
import type { RequestHead } from '../wire/head.ts';

/** What the worker knows of a request when it is over; names and codes alone. */
interface RequestFacts {
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  readonly port: number;
  readonly agent: string | undefined;
  readonly decision: string;
  readonly reason: string;
  readonly rule: string | undefined;
  readonly status: number;
  readonly revision: number;
}

type Step = 'identified' | 'judged' | 'decided' | 'sent' | 'answered';

/** Which step ends which phase, in their order. */
const phases: readonly (readonly [string, Step])[] = [
  ['identify', 'identified'],
  ['policy', 'judged'],
  ['credentials', 'decided'],
  ['dial', 'sent'],
  ['first_byte', 'answered'],
];

export class RequestTrace {
  readonly #telemetry: Telemetry;
  readonly #head: RequestHead;
  readonly #startedMs = performance.now();
  readonly #steps = new Map<Step, number>();

  constructor(telemetry: Telemetry, head: RequestHead) {
    this.#telemetry = telemetry;
    this.#head = head;
  }

  /** A step was taken, now; one that is taken twice ends at its last time. */
  reached(step: Step): void {
    this.#steps.set(step, performance.now());
  }

  end(facts: RequestFacts): void {
    const endMs = Date.now();
    const { status, reason, agent, rule } = facts;
    const given = this.#head.headers.find(({ name }) => name === 'traceparent')?.value;
    this.#telemetry.span({
      name: knownMethods.has(facts.method) ? facts.method : 'HTTP',
      kind: 'server',
      startMs: endMs - (performance.now() - this.#startedMs),
      endMs,
      parent: readTraceParent(given),
      isError: status >= 500 || status === 0,
      attributes: {
        'http.request.method': knownMethods.has(facts.method) ? facts.method : '_OTHER',
        'http.response.status_code': status,
        'server.address': facts.host,
        'server.port': facts.port,
        'onecli.request_id': facts.requestId,
        'onecli.decision': facts.decision,
        'onecli.reason': reason,
        'onecli.revision': facts.revision,
        ...(agent === undefined ? {} : { 'onecli.agent': agent }),
        ...(rule === undefined ? {} : { 'onecli.rule': rule }),
        ...(status >= 400 ? { 'error.type': reason } : {}),
        ...this.#phases(),
      },
    });
  }

  /** Milliseconds of each phase that was come to its end. */
  #phases(): Attributes {
    let fromMs = this.#startedMs;
    const found: Record<string, number> = {};
    for (const [phase, step] of phases) {
      const atMs = this.#steps.get(step);
      if (atMs === undefined) continue;
      found[`onecli.${phase}_ms`] = Math.round((atMs - fromMs) * 1000) / 1000;
      fromMs = atMs;
    }
    return found;
  }
}

/** What a caller makes up is no name of a span. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);
