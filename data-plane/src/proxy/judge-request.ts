/** What policy says of a request: asked before any secret is opened, and again of what a secret changed (rules 2, 4). */
import type { RequestOptions } from '@onecli/shared/domain/covering-rules';
import { decide, type Decision, type HostRules } from '@onecli/shared/domain/evaluate-policy';
import { confirmIdentity, type Identity } from '../identity/identify.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { refusePlainHttp } from './plain-http.ts';
import type { ServedRequest } from './served-request.ts';
import type { StrictRequest } from './strict-request.ts';
import type { Underway, Withdrawal } from './underway.ts';

/** Who asks for what, under which configuration. */
export interface AskedRequest {
  readonly configuration: Configuration;
  readonly identity: Identity;
  readonly request: StrictRequest;
}

/** What policy said of a request, by which rules. */
export interface Judgement {
  readonly rules: HostRules;
  readonly decision: Extract<Decision, { readonly kind: 'allow' }>;
}

/** A request that policy allows. */
export interface JudgedRequest extends AskedRequest, Judgement {
  readonly kind: 'judged';
  /** Names of the secrets that are granted to it. */
  readonly secrets: ReadonlySet<string>;
  readonly options: RequestOptions;
  /** As of when, milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Asks policy. What it allows has to be recorded as well: without room in the audit trail nothing is allowed.
 * @param known of a request with the same head: it holds for this one if the same rules do, at whatever time
 */
export function judgeRequest(
  { plane, agent, exchange }: Omit<ServedRequest, 'head'>,
  asked: AskedRequest,
  known?: Judgement,
): JudgedRequest | Refusal {
  const { configuration, identity, request } = asked;
  const rules = hostRules(agent, asked);
  const nowMs = Date.now();
  const isKnown = known !== undefined && known.rules === rules && !rules.hasWindows;
  const decision = isKnown ? known.decision : decide(rules, request.methods, request.readings, nowMs);
  exchange.judge(decision);
  if (decision.kind === 'deny') return exchange.deny(decision);
  const plain = refusePlainHttp(agent.tunnel, rules, nowMs);
  if (plain) return plain;
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
  const { secrets, options } = decision;
  return { kind: 'judged', configuration, identity, request, rules, decision, secrets, options, nowMs };
}

/**
 * A path that a secret went into is another one: policy judges what is forwarded (rule 4), and has to grant the secrets
 * there. Gives what it allows, with the options of the rules for that path, or a refusal.
 * @param readings every way in which an upstream may read the path as it is now
 */
export function judgeAgain(
  exchange: Exchange,
  { rules, request, nowMs }: JudgedRequest,
  readings: readonly string[],
  usedSecrets: readonly string[],
): Extract<Decision, { readonly kind: 'allow' }> | Refusal {
  const decision = decide(rules, request.methods, readings, nowMs);
  const isAllowed = decision.kind === 'allow' && usedSecrets.every((name) => decision.secrets.has(name));
  // Where both paths are allowed, the trail keeps the rule of the one that was asked for.
  if (decision.kind === 'deny' || (isAllowed && decision.monitored)) exchange.judge(decision);
  return isAllowed ? decision : exchange.deny();
}

/** What a request that is under way would be granted under another configuration, or why it would be refused. */
export function grantsNow(
  agent: AgentStream,
  { identity: known, request, readings }: Underway,
  configuration: Configuration,
): ReadonlySet<string> | Withdrawal {
  const nowMs = Date.now();
  const identity = confirmIdentity(known, configuration, nowMs);
  if (identity.kind === 'refused') return 'PROXY_AUTH_INVALID';
  const rules = hostRules(agent, { configuration, identity, request });
  const decision = decide(rules, request.methods, readings, nowMs);
  return decision.kind === 'allow' ? decision.secrets : 'POLICY_DENIED';
}

/** The rules for the destination, compiled once for a tunnel and a configuration. */
function hostRules({ tunnel }: AgentStream, { configuration, identity, request }: AskedRequest): HostRules {
  const known = tunnel?.rules;
  if (known?.revision === configuration.revision && known.agent === identity.agent) return known.hostRules;
  const { host, port } = request.destination;
  const rules = configuration.policyOf(identity.agent).rulesFor(host, port);
  if (tunnel) tunnel.rules = { revision: configuration.revision, agent: identity.agent, hostRules: rules };
  return rules;
}
