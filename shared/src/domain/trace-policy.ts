/**
 * What each rule has to say of one request, for people: asked of `decide`, one rule at a time, so that the trace cannot say
 * anything else than the decision does.
 */
import { CompiledPolicy, decide } from './evaluate-policy.ts';
import type { Policy, Rule } from './policy.ts';

/** Why a rule covers a request, or does not. */
export const ruleMatches = ['COVERS', 'OTHER_HOST', 'NOT_IN_FORCE', 'OTHER_METHOD', 'OTHER_PATH'] as const;
export type RuleMatch = (typeof ruleMatches)[number];

export interface RuleTrace {
  /** `policy/rules/index`, as decisions and audit events name it. */
  readonly rule: string;
  readonly effect: 'allow' | 'deny';
  readonly isMonitored: boolean;
  readonly match: RuleMatch;
  readonly secrets: readonly string[];
  /** It asks for an approval of what it covers. */
  readonly asksForApproval: boolean;
}

/** A request as policy sees it: a canonical host, and every reading of method and path. */
export interface AskedOfPolicy {
  readonly host: string;
  readonly port: number;
  readonly methods: readonly string[];
  readonly readings: readonly string[];
  readonly nowMs: number;
}

/** Every rule of some policies, in their order, and whether it covers a request. */
export function tracePolicies(policies: readonly Policy[], asked: AskedOfPolicy): RuleTrace[] {
  return policies.flatMap((policy) =>
    policy.rules.filter(isOfPolicy).map((rule, index) => ({
      rule: `${policy.name}/rules/${index}`,
      effect: rule.effect,
      isMonitored: policy.mode === 'monitor',
      match: matchOf(policy, rule, asked),
      secrets: rule.secrets,
      asksForApproval: rule.approval !== undefined,
    })),
  );
}

/** Not what was approved, which has rules of its own. */
function isOfPolicy({ lifts }: Rule): boolean {
  return lifts === undefined;
}

function matchOf(policy: Policy, rule: Rule, asked: AskedOfPolicy): RuleMatch {
  if (covers(policy, rule, asked)) return 'COVERS';
  const { windows: _, ...always } = rule;
  const everywhere = { ...always, paths: [], methods: [] };
  if (!covers(policy, everywhere, asked)) return 'OTHER_HOST';
  if (covers(policy, always, asked)) return 'NOT_IN_FORCE';
  return covers(policy, { ...always, paths: [] }, asked) ? 'OTHER_PATH' : 'OTHER_METHOD';
}

function covers(policy: Policy, asking: Rule, { host, port, methods, readings, nowMs }: AskedOfPolicy): boolean {
  const { approval: _, ...rule } = asking;
  const alone = new CompiledPolicy([{ ...policy, mode: 'enforce', rules: [rule] }]);
  const decision = decide(alone.rulesFor(host, port), methods, readings, nowMs);
  return rule.effect === 'allow' ? decision.kind === 'allow' : decision.kind === 'deny' && decision.rule !== undefined;
}
