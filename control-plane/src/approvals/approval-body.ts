import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
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

/** The rule of a policy that asks under a key; undefined when it was changed or is gone. */
export function askingRule({ rules }: PolicyBody, key: string): AskingRule | undefined {
  return rules.filter(isAsking).find(({ approval }) => approval.key === key);
}

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

/** What is lifted for one request: that method and path at that host, in every reading. @throws Fault CONFLICT */
export function liftOfRequest(asked: AskedApproval, untilMs: number): Lift {
  const { policyId, key, host, port, method, path } = asked;
  const hosts = [`${host}:${port}`];
  const target = parseTarget(path);
  const paths = target.kind === 'fault' ? [] : target.readings.filter(isLiteral);
  const isWhole = target.kind !== 'fault' && isDeepStrictEqual(paths, [...target.readings]);
  if (!isWhole || hosts.some((text) => parseHostPattern(text).kind !== 'pattern'))
    throw new Fault('CONFLICT', 'This path is also a pattern: it cannot be approved alone, only the rule as a whole');
  return { asked: liftedBy(policyId, { key }), hosts, paths, methods: [method], untilMs };
}

/** What is lifted for everything that a rule covers. */
export function liftOfRule({ policyId, key }: AskedApproval, { hosts }: Rule, untilMs: number): Lift {
  return { asked: liftedBy(policyId, { key }), hosts, paths: [], methods: [], untilMs };
}

/** Longer ones are cut in the trail. */
const maxPathLength = 1023;

function isLiteral(path: string): boolean {
  const parsed = parsePathPattern(path);
  return path.length <= maxPathLength && parsed.kind === 'pattern' && parsed.isExact;
}

/** A policy of one agent that workers get as any other. */
export function liftingPolicy(agent: string, lift: Lift): PolicyBody {
  const nothing = { hosts: [], paths: [], methods: [], secrets: [] };
  return { agents: [{ kind: 'name', name: agent }], rules: [{ effect: 'allow', ...nothing, lifts: lift }] };
}
