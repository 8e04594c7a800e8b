import { type CompiledRule, compileRule, isInForce, type RuleLimits } from './compile-rule.ts';
import { Allowance, FirstDenial, type RequestOptions } from './covering-rules.ts';
import type { HostPattern } from './host-pattern.ts';
import { comparablePath } from './path-pattern.ts';
import type { Policy } from './policy.ts';
import { RuleIndex } from './rule-index.ts';

/** No, and by which rule, `policy/rules/index`; by none when silence was the reason. */
export interface Denial {
  readonly kind: 'deny';
  readonly rule: string | undefined;
  readonly reason: 'DENIED_BY_RULE' | 'NO_RULE' | 'APPROVAL_REQUIRED';
}

/** The result for one request. */
export type Decision =
  | {
      readonly kind: 'allow';
      /** The first rule that allows it; undefined when monitor mode alone lets it pass. */
      readonly rule: string | undefined;
      readonly secrets: ReadonlySet<string>;
      readonly options: RequestOptions;
      /** What it would have been, were every policy enforced. */
      readonly monitored: Denial | undefined;
    }
  | Denial;

/** The result for a host as a whole, asked at CONNECT. */
export type HostDecision =
  | {
      readonly kind: 'allow';
      readonly rule: string | undefined;
      readonly options: HostOptions;
      readonly monitored: Denial | undefined;
    }
  | Denial;

export interface HostOptions {
  /** Set when the host is to be passed through. */
  readonly tunnel: { readonly rule: string; readonly limits: readonly RuleLimits[] } | undefined;
  readonly http2: boolean;
  readonly plainHttp: boolean;
}

/** The rules of one agent for one host and port, ready to be asked for each request of a tunnel. */
export interface HostRules {
  readonly allow: readonly RuleIndex[];
  readonly deny: readonly RuleIndex[];
  /** All policies of the agent are in monitor mode: what none of them allows passes and is recorded. */
  readonly isSilenceMonitored: boolean;
  /** One of them holds at certain times only: what is decided now may not be decided a moment later. */
  readonly hasWindows: boolean;
}

/** It says nothing of how its agent is judged. */
function isApproval({ rules }: Policy): boolean {
  return rules.length > 0 && rules.every(({ lifts }) => lifts !== undefined);
}

const webPorts = [443, 80];
const noRule: Denial = { kind: 'deny', rule: undefined, reason: 'NO_RULE' };

/** The rules of one host pattern. An allow without a port covers the web's ports; a deny without a port covers them all. */
interface PortRules {
  readonly allow: RuleIndex;
  readonly deny: RuleIndex;
}

const anyPort = 0;

/**
 * All rules that hold for the agents that the same policies select, indexed by host and path so that rules for other
 * hosts and paths cost nothing. Built once for a snapshot.
 */
export class CompiledPolicy {
  readonly #exact = new Map<string, Map<number, PortRules>>();
  readonly #below = new Map<string, Map<number, PortRules>>();
  /** Deny rules with a host pattern that cannot be read. */
  readonly #everywhere = new RuleIndex(0);
  readonly #isSilenceMonitored: boolean;

  /** @param policies those whose selectors pick the agent */
  constructor(policies: readonly Policy[]) {
    const own = policies.filter((policy) => !isApproval(policy));
    this.#isSilenceMonitored = own.length > 0 && own.every(({ mode }) => mode === 'monitor');
    let order = 0;
    for (const policy of policies) {
      for (const [index, rule] of policy.rules.entries()) {
        const compiled = compileRule(policy, index, rule, order++);
        if (compiled) this.#add(rule.effect, compiled);
      }
    }
  }

  /** The rules for a canonical host and port; ask once for a tunnel. */
  rulesFor(host: string, port: number): HostRules {
    const allow: RuleIndex[] = [];
    const deny: RuleIndex[] = [];
    const take = (ports: ReadonlyMap<number, PortRules> | undefined): void => {
      const any = ports?.get(anyPort);
      const only = ports?.get(port);
      if (any && webPorts.includes(port) && !any.allow.isEmpty) allow.push(any.allow);
      if (only && !only.allow.isEmpty) allow.push(only.allow);
      if (any && !any.deny.isEmpty) deny.push(any.deny);
      if (only && !only.deny.isEmpty) deny.push(only.deny);
    };
    take(this.#exact.get(host));
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
      take(this.#below.get(host.slice(dot)));
    if (!this.#everywhere.isEmpty) deny.push(this.#everywhere);
    const hasWindows = [...allow, ...deny].some((index) => index.hasWindows);
    return { allow, deny, isSilenceMonitored: this.#isSilenceMonitored, hasWindows };
  }

  #add(effect: 'allow' | 'deny', rule: CompiledRule): void {
    if (rule.isForEveryHost) return this.#everywhere.add(rule);
    for (const pattern of rule.hosts) this.#portRules(pattern)[effect].add(rule);
  }

  #portRules({ kind, host, port = anyPort }: HostPattern): PortRules {
    const index = kind === 'exact' ? this.#exact : this.#below;
    let ports = index.get(host);
    if (!ports) index.set(host, (ports = new Map()));
    let rules = ports.get(port);
    const narrowness = kind === 'exact' ? Number.POSITIVE_INFINITY : host.length;
    if (!rules) ports.set(port, (rules = { allow: new RuleIndex(narrowness), deny: new RuleIndex(narrowness) }));
    return rules;
  }
}

/**
 * May the agent talk to this host at all, and how? Asked at CONNECT, before a certificate is minted.
 * @param nowMs milliseconds since the epoch, for rules with time windows
 */
export function mayReachHost(rules: HostRules, nowMs: number): HostDecision {
  const total = new FirstDenial();
  for (const index of rules.deny) index.eachTotal(nowMs, (rule) => total.take(rule));
  if (total.enforced) return deniedBy(total.enforced);
  const allowing = firstInForce(rules.allow, nowMs);
  if (!allowing && !rules.isSilenceMonitored) return noRule;
  const monitored = total.monitored ? deniedBy(total.monitored) : allowing ? undefined : noRule;
  return { kind: 'allow', rule: allowing?.id, options: hostOptions(rules, nowMs), monitored };
}

function firstInForce(indexes: readonly RuleIndex[], nowMs: number): CompiledRule | undefined {
  for (const index of indexes) {
    const rule = index.anyInForce(nowMs, ({ lifts }) => lifts === undefined);
    if (rule) return rule;
  }
  return undefined;
}

function hostOptions(rules: HostRules, nowMs: number): HostOptions {
  const tunnels: CompiledRule[] = [];
  let narrowness = 0;
  let http2 = false;
  let plainHttp = false;
  for (const index of rules.allow) {
    for (const rule of index.ofHost) {
      if (!isInForce(rule, nowMs)) continue;
      http2 ||= rule.hasHttp2;
      plainHttp ||= rule.hasPlainHttp;
      if (!rule.isTunnel) continue;
      tunnels.push(rule);
      narrowness = Math.max(narrowness, index.narrowness);
    }
  }
  const [first] = tunnels;
  if (!first || mustIntercept(rules, narrowness, nowMs)) return { tunnel: undefined, http2, plainHttp };
  return { tunnel: { rule: first.id, limits: limitsOf(tunnels) }, http2, plainHttp };
}

/**
 * Nobody sees what passes through a tunnel. Where a deny covers a part of the host, a rule asks for approvals there, or a rule
 * that is as narrow grants a secret, the requests have to be seen.
 */
function mustIntercept(rules: HostRules, narrowness: number, nowMs: number): boolean {
  return (
    rules.deny.some((index) => index.anyInForce(nowMs, (rule) => !rule.isMonitored) !== undefined) ||
    rules.allow.some((index) => index.asks || (index.grants && index.narrowness >= narrowness))
  );
}

function limitsOf(rules: readonly CompiledRule[]): readonly RuleLimits[] {
  return [...new Set(rules.flatMap(({ limits }) => (limits ? [limits] : [])))];
}

/**
 * Decides one request. `methods` holds every method that an upstream may take it for, and `readings` every way in which
 * one may read its path: it is denied when a deny rule covers any of them, and allowed when each is covered by an allow
 * rule; what is granted is what all of them grant. What a rule that covers any of them asks has to be approved.
 * @param nowMs milliseconds since the epoch, for rules with time windows
 */
export function decide(
  rules: HostRules,
  methods: readonly string[],
  readings: readonly string[],
  nowMs: number,
): Decision {
  const denial = findDenial(rules.deny, methods, readings, nowMs);
  if (denial?.enforced) return deniedBy(denial.enforced);
  let isSilent = false;
  let all: Allowance | undefined;
  let asking: FirstDenial | undefined;
  for (const method of methods) {
    for (const path of readings) {
      const one = new Allowance();
      const comparable = comparablePath(path, {});
      for (const index of rules.allow) index.eachCovering(comparable, method, nowMs, (rule) => one.take(rule));
      for (const rule of one.unapproved) (asking ??= new FirstDenial()).take(rule);
      if (!one.first) isSilent = true;
      all = all ? all.and(one) : one;
    }
  }
  if (!all || (isSilent && !rules.isSilenceMonitored)) return noRule;
  if (asking?.enforced) return askedBy(asking.enforced);
  return {
    kind: 'allow',
    rule: isSilent ? undefined : all.first?.id,
    secrets: all.secrets,
    options: all.options,
    monitored: monitoredOf(denial?.monitored, isSilent, asking?.monitored),
  };
}

function monitoredOf(
  denying: CompiledRule | undefined,
  isSilent: boolean,
  asking: CompiledRule | undefined,
): Denial | undefined {
  if (denying) return deniedBy(denying);
  if (isSilent) return noRule;
  return asking && askedBy(asking);
}

function askedBy({ id }: CompiledRule): Denial {
  return { kind: 'deny', rule: id, reason: 'APPROVAL_REQUIRED' };
}

function deniedBy({ id }: CompiledRule): Denial {
  return { kind: 'deny', rule: id, reason: 'DENIED_BY_RULE' };
}

function findDenial(
  indexes: readonly RuleIndex[],
  methods: readonly string[],
  readings: readonly string[],
  nowMs: number,
): FirstDenial | undefined {
  if (indexes.length === 0) return undefined;
  const denial = new FirstDenial();
  for (const method of methods) {
    const upper = method.toUpperCase();
    for (const reading of readings) {
      const path = comparablePath(reading, { ignoreCase: true });
      const isLonger = path.length > 1 && path.endsWith('/');
      for (const index of indexes) {
        index.eachCovering(path, upper, nowMs, (rule) => denial.take(rule));
        if (isLonger) index.eachCovering(path.slice(0, -1), upper, nowMs, (rule) => denial.take(rule));
      }
    }
  }
  return denial;
}
