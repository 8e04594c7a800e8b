import { createHmac } from 'node:crypto';
import { parseHostPattern } from '@onecli/shared/domain/host-pattern';
import { parsePathPattern } from '@onecli/shared/domain/path-pattern';
import { liftedBy } from '@onecli/shared/domain/compile-rule';
import { environmentOf } from '@onecli/shared/domain/names';
import type { Lift, PolicyBody, Rule } from '@onecli/shared/domain/policy';
import { Fault } from '@onecli/shared/fault';
import { parseTarget } from '@onecli/shared/wire/parse-target';

/** What an agent asked for: sealed, since it has a path in it, and since a person decides by it. */
export interface AskedApproval {
  readonly agentId: string;
  readonly agent: string;
  readonly policyId: string;
  /** Of the rule that asks, as it was then. */
  readonly key: string;
  /** `policy/rules/index`, as it was then. */
  readonly rule: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Those of the secrets that the rule grants; `*`, where it grants none. */
  readonly environments: readonly string[];
}

/** A rule that asks. */
export type AskingRule = Rule & { readonly approval: NonNullable<Rule['approval']> };

export function isAsking(rule: Rule): rule is AskingRule {
  return rule.approval !== undefined;
}

/** Whose it is to decide: who may in each of these. */
export function environmentsOfRule({ secrets }: Rule): readonly string[] {
  return secrets.length === 0 ? ['*'] : [...new Set(secrets.map(environmentOf))];
}

/** Tells one thing that is asked for from another, and nothing of what it is. */
export function fingerprintOf(key: Buffer, asked: AskedApproval): Buffer {
  const { agentId, policyId, key: rule, host, port, method, path } = asked;
  return createHmac('sha256', key)
    .update(JSON.stringify(['approval', agentId, policyId, rule, host, port, method, path]))
    .digest();
}

/** What is lifted for one request: that method and path at that host. @throws Fault CONFLICT where more than that would be */
export function liftOfRequest(asked: AskedApproval, untilMs: number): Lift {
  const { policyId, key, host, port, method, path } = asked;
  const hosts = [`${host}:${port}`];
  if (!isPlain(path) || hosts.some((text) => parseHostPattern(text).kind !== 'pattern'))
    throw new Fault(
      'CONFLICT',
      'This path cannot be approved alone, only the rule as a whole: it is a pattern, may be read in more ways than one, or holds a placeholder',
    );
  return { asked: liftedBy(policyId, { key }), hosts, paths: [path], methods: [method], untilMs };
}

/** What is lifted for everything that a rule covers. */
export function liftOfRule({ policyId, key }: AskedApproval, { hosts }: Rule, untilMs: number): Lift {
  return { asked: liftedBy(policyId, { key }), hosts, paths: [], methods: [], untilMs };
}

/** Longer ones are cut in the trail. */
const maxPathLength = 1023;

/** A path that everybody reads as itself, and that is recorded as it was sent: agents' tokens are taken out of it. */
function isPlain(path: string): boolean {
  if (path.length > maxPathLength || /oat_|onecli(?::|%3a)/i.test(path)) return false;
  const [target, pattern] = [parseTarget(path), parsePathPattern(path)];
  const isRead = target.kind !== 'fault' && target.readings.length === 1 && target.readings[0] === path;
  return isRead && pattern.kind === 'pattern' && pattern.isExact;
}

/** A policy of one agent that workers get as any other. */
export function liftingPolicy(agent: string, lift: Lift): PolicyBody {
  const nothing = { hosts: [], paths: [], methods: [], secrets: [] };
  return { agents: [{ kind: 'name', name: agent }], rules: [{ effect: 'allow', ...nothing, lifts: lift }] };
}
