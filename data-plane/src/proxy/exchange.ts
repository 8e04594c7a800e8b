/** What is known of one request so far, and what the audit trail is told of it in the end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withoutAgentTokens } from '@onecli/shared/domain/agent-token';
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { Surface } from '@onecli/shared/domain/binding';
import type { Decision, Denial, HostDecision } from '@onecli/shared/domain/evaluate-policy';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { faultOf } from '@onecli/shared/fault';
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { AuditEnding } from '@onecli/shared/domain/audit-entry';
import { type Intent, type IntendedEvent, wholeEvent } from '../audit/audit-item.ts';
import type { Admission } from '../policy/policy-limits.ts';
import type { RequestHead } from '../wire/head.ts';
import { RequestTrace } from '../telemetry/request-trace.ts';
import type { Authority } from '@onecli/shared/wire/parse-authority';
import type { Tunnel } from './agent-stream.ts';
import type { Refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { explainDenial } from './explain-denial.ts';
import { labelsOf } from './labels-of.ts';
import type { Forwarded } from './outgoing.ts';
import type { RequestBody } from './request-body.ts';
import { nextRequestId } from './request-id.ts';
import type { StrictRequest } from './strict-request.ts';

/** Refusals that are decisions; every other ending is of a request that was allowed and then failed. */
const failuresAfterAllow = new Set([
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_UNTRUSTED',
  'UPSTREAM_INVALID',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_ENCODING',
  'SECRET_ECHOED',
  'REQUEST_TIMEOUT',
]);

/** Endings on the way that are decisions: what went on was found to be what may not. */
const deniedOnTheWay = new Set([
  'SECRET_EXPIRED',
  'SECRET_LEASE_EXPIRED',
  'PLACEHOLDER_NOT_BOUND',
  'PLACEHOLDER_NOT_GRANTED',
  'SECRET_UNAVAILABLE',
  'MISDIRECTED',
  'TLS_HANDSHAKE_FAILED',
  'POLICY_DENIED',
  'PROXY_AUTH_INVALID',
]);

const maxPathBytes = 1024;
const maxMethodBytes = 32;

/** Those that are not among the ones that are known. */
function newAmong(labels: readonly string[], known: readonly string[]): readonly string[] {
  return known.length === 0 ? labels : labels.filter((label) => !known.includes(label));
}

type Admitted = Extract<Admission, { readonly kind: 'admitted' }>;

export class Exchange {
  readonly requestId = nextRequestId();
  readonly findings: Finding[] = [];
  revision = 0;
  agent: AgentRecord | undefined;
  request: StrictRequest | undefined;
  destination: Authority | undefined;
  rule: string | undefined;
  body: RequestBody | undefined;
  /** Set when it passes only because a policy is in monitor mode. */
  isMonitored = false;
  /** Bytes that went to the upstream where there is no request to count them. */
  sentBytes = 0;
  /** Payload of an answer of ours. */
  answerBytes = 0;
  readonly #plane: DataPlane;
  readonly #head: RequestHead;
  readonly #startedMs = performance.now();
  #secrets: readonly string[] = [];
  /** What the trail was told will leave. */
  #intended: readonly string[] = [];
  #intent: Intent | undefined;
  #isRecorded = false;
  /** Of the path that was asked for and, where a secret makes it another one, of that. */
  #admissions: Admitted[] | undefined;

  readonly #trace: RequestTrace | undefined;

  /** @param tunnel the one that the request came through, if any */
  constructor(plane: DataPlane, head: RequestHead, tunnel?: Tunnel) {
    this.#plane = plane;
    this.#head = head;
    if (plane.telemetry) this.#trace = new RequestTrace(plane.telemetry, head);
    this.agent = tunnel?.identity.agent;
    this.destination = tunnel?.destination;
  }

  /** The request was read: what it is and where it goes. */
  accept(request: StrictRequest): void {
    this.request = request;
    this.destination = request.destination;
    this.#trace?.reached('identified');
  }

  /** Policy was asked: the trail is told which rule decided, or would have, were its policy not in monitor mode. */
  judge(decision: Decision | HostDecision): void {
    const monitored = decision.kind === 'allow' ? decision.monitored : undefined;
    this.isMonitored = monitored !== undefined;
    this.rule = (monitored ?? decision).rule;
    this.#trace?.reached('judged');
  }

  /** It counts under the limits of its rules until `release`. */
  admitted(admission: Admitted): void {
    (this.#admissions ??= []).push(admission);
    if (admission.exceeded === undefined || this.isMonitored) return;
    this.isMonitored = true;
    this.rule = admission.exceeded;
  }

  /** Nothing of it is under way any more. */
  release(): void {
    for (const admission of this.#admissions ?? []) admission.release();
    this.body?.letGo();
  }

  /** Policy said no. The trail is told by which rule, if it was one. */
  deny(denial?: Denial): Refusal {
    const { host = '', port = 443 } = this.destination ?? {};
    const request = this.request && { method: this.#head.method, path: withoutAgentTokens(this.request.path) };
    return explainDenial({ agent: this.agent?.name ?? '', host, port, request }, denial);
  }

  /**
   * These secrets are about to leave: the trail has to have that first. Undefined when it has, or when there are none; else
   * resolves with whether it does.
   */
  intend(secrets: readonly string[]): Promise<boolean> | undefined {
    const labels = newAmong(secrets, this.#intended);
    if (labels.length === 0) return undefined;
    this.#intended = this.#intended.length === 0 ? labels : [...this.#intended, ...labels];
    const { intent, kept } = this.#plane.trail.intend(this.#intendedEvent(labels));
    this.#intent = intent;
    return kept;
  }

  /** The same for secrets that leave at once, later on: gives whether they may. */
  intendNow(used: readonly UsedSecret[]): boolean {
    const labels = newAmong(labelsOf(used), this.#intended);
    if (labels.length === 0) return true;
    const intent = this.#plane.trail.intendNow(this.#intent, this.#intendedEvent(labels));
    if (!intent) return false;
    this.#intended = [...this.#intended, ...labels];
    this.#intent = intent;
    return true;
  }

  /** The request's head is being written to its upstream, and these secrets leave with it. */
  leaving(secrets: readonly string[], inHead: readonly Surface[], inBody: readonly Surface[] = []): void {
    const labels = newAmong(secrets, this.#secrets);
    this.#secrets = this.#secrets.length === 0 ? labels : [...this.#secrets, ...labels];
    this.#plane.metrics.replaced(inHead);
    this.#plane.metrics.replaced(inBody);
    this.#trace?.reached('sent');
  }

  /** The head of the answer is there. */
  answering(): void {
    this.#trace?.reached('answered');
  }

  /** All is decided; dialling comes next. */
  decided(): void {
    this.#plane.metrics.overhead((performance.now() - this.#startedMs) / 1000);
    this.#trace?.reached('decided');
  }

  /**
   * The last byte of the answer is about to leave. Of a request that took a secret along the trail has an intent; of any other it has
   * nothing yet, so it is told now: resolves when it was written, at the end of this turn. One whose body still comes is told when it is
   * over: what it sent is not known before.
   */
  ending(status: number, responseBytes: number): Promise<void> | undefined {
    if (this.#intent || this.body?.isRead === false) return undefined;
    this.record({ kind: 'answered', status, responseBytes });
    return nextTurn();
  }

  /** Records the end, once: what became of an answer after its last byte was about to leave is not told. */
  record(ending: Forwarded): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { decision, reason, status, responseBytes } = this.#summary(ending);
    if (this.body?.hasMention) this.findings.push({ kind: 'PLACEHOLDER_IN_BODY', place: 'body' });
    if (ending.kind !== 'answered' && ending.code === 'PLACEHOLDER_NOT_BOUND' && this.findings.length === 0)
      this.findings.push({ kind: 'PLACEHOLDER_NOT_BOUND', place: 'body' });
    this.#plane.metrics.request(decision, this.#head.method, status, reason);
    this.#endTrace(decision, reason, status);
    const outcome: AuditEnding = {
      timeMs: Date.now(),
      decision,
      reason,
      rule: this.rule,
      status,
      latencyMs: Math.round((performance.now() - this.#startedMs) * 1000) / 1000,
      requestBytes: this.body?.bytes ?? this.sentBytes,
      responseBytes,
      secrets: this.#secrets,
      findings: this.findings,
    };
    const { trail } = this.#plane;
    // An intent says all that was known before.
    if (this.#intent) trail.recordEnding(outcome, this.#intent);
    else trail.record(wholeEvent(this.#intendedEvent([]), outcome));
  }

  #intendedEvent(secrets: readonly string[]): IntendedEvent {
    const { agent, destination } = this;
    return {
      timeMs: Date.now(),
      rule: this.rule,
      secrets,
      revision: this.revision,
      requestId: this.requestId,
      agentId: agent?.id,
      agent: agent?.name,
      host: destination?.host ?? '',
      port: destination?.port ?? 0,
      method: this.#head.method.slice(0, maxMethodBytes),
      path: withoutAgentTokens(this.request?.path ?? '').slice(0, maxPathBytes),
    };
  }

  #endTrace(decision: string, reason: string, status: number): void {
    if (this.#trace === undefined) return;
    const { requestId, revision, rule, agent } = this;
    const { host = '', port = 0 } = this.destination ?? {};
    const { method } = this.#head;
    this.#trace.end({ requestId, method, host, port, agent: agent?.name, decision, reason, rule, status, revision });
  }

  #summary(ending: Forwarded): { decision: 'allow' | 'deny'; reason: string; status: number; responseBytes: number } {
    switch (ending.kind) {
      case 'answered':
        return {
          decision: 'allow',
          reason: this.isMonitored ? 'MONITORED' : 'ALLOWED',
          status: ending.status,
          responseBytes: ending.responseBytes,
        };
      case 'broken':
      case 'stopped':
        return {
          decision: deniedOnTheWay.has(ending.code) ? 'deny' : 'allow',
          reason: ending.code,
          status: ending.status,
          responseBytes: ending.responseBytes,
        };
      case 'refused': {
        const decision = failuresAfterAllow.has(ending.code) ? 'allow' : 'deny';
        return {
          decision,
          reason: ending.code,
          status: ending.code === 'TLS_HANDSHAKE_FAILED' ? 0 : faultOf(ending.code).status,
          responseBytes: this.answerBytes,
        };
      }
    }
  }
}
