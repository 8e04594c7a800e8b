import { type HostPattern, parseHostPattern } from './host-pattern.ts';
import { parsePathPattern, type PathPattern } from './path-pattern.ts';
import type { ApprovalAsked, Lift, Policy, RateLimit, Rule } from './policy.ts';
import { parseTimeWindow } from './time-window.ts';

/** What a rule limits of the requests that it allows. */
export interface RuleLimits {
  /** `policy/rules/index`, as the audit trail names it. */
  readonly rule: string;
  /** Under which its requests are counted: the same for as long as the rule keeps its place in its policy. */
  readonly key: string;
  readonly rate: RateLimit | undefined;
  readonly maxConcurrent: number | undefined;
  /** Its policy is in monitor mode: what exceeds it passes and is recorded. */
  readonly isMonitored: boolean;
}

/** A rule with its patterns read. */
export interface CompiledRule {
  /** `policy/rules/index`. */
  readonly id: string;
  /** Its place among all rules of the agent. */
  readonly order: number;
  readonly isMonitored: boolean;
  readonly hosts: readonly HostPattern[];
  /** A deny with a host pattern that cannot be read covers every host. */
  readonly isForEveryHost: boolean;
  /** None: every path. */
  readonly paths: readonly PathPattern[];
  /** None: every method. */
  readonly methods: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  /** None: always in force. */
  readonly windows: readonly ((nowMs: number) => boolean)[];
  readonly limits: RuleLimits | undefined;
  readonly maxBodyBytes: number | undefined;
  readonly isTunnel: boolean;
  readonly hasHttp2: boolean;
  readonly hasPlainHttp: boolean;
  /** What has to be lifted before a request that it covers may pass. */
  readonly asks: string | undefined;
  /** What it lifts of a request that it covers; such a rule allows nothing. */
  readonly lifts: string | undefined;
}

/**
 * Reads a rule; undefined when there is nothing that it covers. What cannot be read (stored by another version, or under
 * another time zone database) covers nothing in an allow and all in a deny.
 */
export function compileRule(policy: Policy, index: number, rule: Rule, order: number): CompiledRule | undefined {
  if (rule.lifts) return compileLift(policy, index, rule.lifts, order);
  return compilePlain(policy, index, rule, order);
}

/** It covers what was approved, until it ends. */
function compileLift(policy: Policy, index: number, lift: Lift, order: number): CompiledRule | undefined {
  const { asked, hosts, paths, methods, untilMs } = lift;
  const compiled = compilePlain(policy, index, { effect: 'allow', hosts, paths, methods, secrets: [] }, order);
  return compiled && { ...compiled, windows: [(nowMs) => nowMs < untilMs], lifts: asked };
}

function compilePlain(policy: Policy, index: number, rule: Rule, order: number): CompiledRule | undefined {
  const isDeny = rule.effect === 'deny';
  const hosts = rule.hosts.flatMap((text) => {
    const parsed = parseHostPattern(text);
    return parsed.kind === 'pattern' ? [parsed.pattern] : [];
  });
  const paths = rule.paths.flatMap((text) => {
    const parsed = parsePathPattern(text, { ignoreCase: isDeny });
    return parsed.kind === 'pattern' ? [parsed] : [];
  });
  const windows = (rule.windows ?? []).flatMap((window) => {
    const parsed = parseTimeWindow(window);
    return parsed.kind === 'window' ? [parsed.isOpen] : [];
  });
  const isLost = (kept: readonly unknown[], all: readonly unknown[] = []): boolean => kept.length < all.length;
  if (!isDeny && ((isLost(paths, rule.paths) && paths.length === 0) || (rule.windows && windows.length === 0)))
    return undefined;
  const id = `${policy.name}/rules/${index}`;
  const isMonitored = policy.mode === 'monitor';
  return {
    id,
    order,
    isMonitored,
    hosts,
    isForEveryHost: isDeny && isLost(hosts, rule.hosts),
    paths: isDeny && isLost(paths, rule.paths) ? [] : paths,
    methods: new Set(isDeny ? rule.methods.map((method) => method.toUpperCase()) : rule.methods),
    secrets: new Set(rule.secrets),
    windows: isDeny && isLost(windows, rule.windows) ? [] : windows,
    limits: limitsOf(rule, id, `${policy.id}/${index}`, isMonitored),
    maxBodyBytes: rule.maxBodyBytes,
    isTunnel: rule.tunnel === true,
    hasHttp2: rule.http2 === true,
    hasPlainHttp: rule.plainHttp === true,
    asks: rule.approval && liftedBy(policy.id, rule.approval),
    lifts: undefined,
  };
}

/** What a {@link Lift} of a rule names. */
export function liftedBy(policyId: string, { key }: ApprovalAsked): string {
  return `${policyId}/${key}`;
}

function limitsOf(rule: Rule, id: string, key: string, isMonitored: boolean): RuleLimits | undefined {
  const { rateLimit: rate, maxConcurrent } = rule;
  return rate || maxConcurrent !== undefined ? { rule: id, key, rate, maxConcurrent, isMonitored } : undefined;
}

/** True when the rule holds at this time, in milliseconds since the epoch. */
export function isInForce({ windows }: CompiledRule, nowMs: number): boolean {
  return windows.length === 0 || windows.some((isOpen) => isOpen(nowMs));
}
