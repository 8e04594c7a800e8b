import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompiledPolicy, type Decision, decide, mayReachHost } from '../../shared/src/domain/evaluate-policy.ts';
import { parseHostPattern } from '../../shared/src/domain/host-pattern.ts';
import { parsePathPattern } from '../../shared/src/domain/path-pattern.ts';
import type { Lift, Policy, PolicyMode, Rule } from '../../shared/src/domain/policy.ts';
import { parseTimeWindow, type TimeWindow, weekDays } from '../../shared/src/domain/time-window.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 11;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 20_000) / properties));

const hosts = ['a.example.com', 'b.example.com', 'example.com', 'x.y.example.com', '192.0.2.1'];
const hostPatterns = [...hosts, '*.example.com', '*.y.example.com', 'a.example.com:8443', '*.example.com:80', '*.com'];
const paths = ['/', '/v1', '/v1/', '/v1/a', '/V1/a', '/v1/a/b', '/v2', '/v1/[', '/v1/%5B', '/v1/%2F'];
const pathPatterns = ['/v1', '/v1/', '/v1/*', '/v1/**', '/**', '/*', '/V1/a', '/v1/a*', '/v*/a', '/v1/[', 'bad'];
const methods = ['GET', 'POST', 'DELETE'];
const some = (list: readonly string[], minLength = 0) =>
  fc.uniqueArray(fc.constantFrom(...list), { minLength, maxLength: 3 });
const windowOf: fc.Arbitrary<TimeWindow> = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...weekDays), { maxLength: 4 }),
  from: fc.constantFrom('00:00', '09:00', '22:00', 'bad'),
  to: fc.constantFrom('06:00', '17:00', '24:00'),
  zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Nowhere/Land'),
});
const always = { windows: undefined };
const ruleOf = (effect: Rule['effect']): fc.Arbitrary<Rule> =>
  fc
    .record({
      hosts: some(hostPatterns, 1),
      paths: some(pathPatterns),
      methods: some(methods),
      secrets: effect === 'allow' ? some(['prod/a', 'prod/b', 'prod/c']) : fc.constant([]),
      more: fc.oneof(
        { weight: 3, arbitrary: fc.constant(always) },
        { weight: 1, arbitrary: fc.record({ windows: fc.array(windowOf, { maxLength: 2 }) }) },
      ),
      maxConcurrent: fc.option(fc.nat(3), { nil: undefined, freq: 4 }),
      isTunnel: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    })
    .map(({ more: { windows }, maxConcurrent, isTunnel, ...rule }) => ({
      effect,
      ...rule,
      ...(isTunnel && effect === 'allow' && { tunnel: true as const, paths: [], methods: [], secrets: [] }),
      ...(windows && { windows }),
      ...(maxConcurrent !== undefined && effect === 'allow' && { maxConcurrent }),
    }));
/** An allow that asks for an approval; `1` stands for its policy. */
const askingRule = fc
  .tuple(ruleOf('allow'), fc.constantFrom('k', 'l'))
  .filter(([{ tunnel }]) => tunnel === undefined)
  .map(([rule, key]): Rule => ({ ...rule, approval: { key } }));
const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  { weight: 3, arbitrary: ruleOf('allow') },
  { weight: 3, arbitrary: ruleOf('deny') },
  { weight: 1, arbitrary: askingRule },
);
const policyOf = (mode: PolicyMode): fc.Arbitrary<Policy> =>
  fc
    .tuple(fc.nat(1000), fc.array(anyRule, { maxLength: 6 }))
    .map(([id, rules]) => ({ id: `${id}`, name: `p${id}`, agents: [], mode, rules }));
const enforced = policyOf('enforce');
const liftOf = fc.record({
  asked: fc.tuple(fc.nat(2), fc.constantFrom('k', 'l')),
  hosts: some(hostPatterns, 1),
  paths: some(pathPatterns),
  methods: some(methods),
  untilMs: fc.constantFrom(0, 4_000_000_000_001),
});
/** Policies, and behind them what was approved of them. */
const anyPolicies = fc
  .tuple(
    fc.array(fc.oneof(enforced, policyOf('monitor')), { maxLength: 3 }),
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(liftOf, { maxLength: 3 }) }),
  )
  .map(([policies, lifts]): Policy[] => [
    ...policies,
    ...lifts.map((lift, index) => approvalOf(policies, lift, index)),
  ]);
type LiftText = typeof liftOf extends fc.Arbitrary<infer T> ? T : never;

function approvalOf(policies: readonly Policy[], { asked: [at, key], ...lift }: LiftText, index: number): Policy {
  const lifts = { ...lift, asked: `${policies[at]?.id}/${key}` };
  const nothing = { hosts: [], paths: [], methods: [], secrets: [] };
  const name = `approval/${index}`;
  return { id: name, name, agents: [], rules: [{ effect: 'allow', ...nothing, lifts }] };
}

const isApproval = ({ rules }: Policy): boolean => rules.length > 0 && rules.every(({ lifts }) => lifts !== undefined);

const question = fc.record({
  host: fc.constantFrom(...hosts),
  port: fc.constantFrom(443, 80, 8443),
  methods: fc.uniqueArray(fc.constantFrom(...methods, 'HEAD', 'delete'), { minLength: 1, maxLength: 2 }),
  readings: some(paths, 1),
  nowMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

const ask = (policies: readonly Policy[], { host, port, methods: asked, readings, nowMs }: Question): Decision =>
  decide(new CompiledPolicy(policies).rulesFor(host, port), asked, readings, nowMs);
const grantsOf = (decision: Decision): string[] => (decision.kind === 'allow' ? [...decision.secrets].sort() : []);
const limitsOf = (decision: Decision): string[] =>
  decision.kind === 'allow' ? decision.options.limits.map(({ rule }) => rule).sort() : [];

/** Puts a rule somewhere into the first policy. */
function withRule(policies: readonly Policy[], rule: Rule, at: number): Policy[] {
  const [first, ...rest] = policies;
  if (!first || isApproval(first)) return [...policies];
  return [{ ...first, rules: first.rules.toSpliced(at, 0, rule) }, ...rest];
}

describe('decide', () => {
  it('never allows or grants more when a deny is added', () => {
    fc.assert(
      fc.property(anyPolicies, ruleOf('deny'), fc.nat(8), question, (policies, deny, at, asked) => {
        const before = ask(policies, asked);
        const after = ask(withRule(policies, deny, at), asked);
        if (before.kind === 'deny') expect(after.kind).toBe('deny');
        if (after.kind === 'allow') expect(grantsOf(after)).toEqual(grantsOf(before));
      }),
      { numRuns },
    );
  });

  it('denies whatever an enforced deny covers, beside any other rules', () => {
    fc.assert(
      fc.property(anyPolicies, fc.nat(8), question, (policies, at, asked) => {
        const deny: Rule = { effect: 'deny', hosts: [asked.host], paths: [], methods: [], secrets: [] };
        const enforcing: Policy = { id: 'e', name: 'e', agents: [], rules: [deny] };
        const denied = ask(policies.toSpliced(at, 0, enforcing), asked);
        expect(denied).toMatchObject({ kind: 'deny', reason: 'DENIED_BY_RULE' });
      }),
      { numRuns },
    );
  });

  it('never takes access or a grant away when an allow is added', () => {
    fc.assert(
      fc.property(anyPolicies, ruleOf('allow'), fc.nat(8), question, (policies, allow, at, asked) => {
        const before = ask(policies, asked);
        const after = ask(withRule(policies, allow, at), asked);
        if (before.kind === 'allow') expect(after.kind).toBe('allow');
        for (const name of grantsOf(before)) expect(grantsOf(after)).toContain(name);
      }),
      { numRuns },
    );
  });

  it('never allows or grants more when a policy is enforced that was monitored', () => {
    fc.assert(
      fc.property(anyPolicies, question, (policies, asked) => {
        const before = ask(policies, asked);
        const after = ask(
          policies.map((policy) => ({ ...policy, mode: 'enforce' as const })),
          asked,
        );
        if (before.kind === 'deny') expect(after.kind).toBe('deny');
        else expect(after.kind).toBe(before.monitored ? 'deny' : 'allow');
        for (const name of grantsOf(after)) expect(grantsOf(before)).toContain(name);
      }),
      { numRuns },
    );
  });

  it('is not changed by a rule for another host', () => {
    fc.assert(
      fc.property(anyPolicies, anyRule, question, (policies, other, asked) => {
        const stranger: Rule = { ...other, hosts: ['c.example.net', '*.d.example.net', 'a.example.com.example.net'] };
        expect(ask(withRule(policies, stranger, 100), asked)).toEqual(ask(policies, asked));
      }),
      { numRuns },
    );
  });

  it('does not hang on the order of rules and policies', () => {
    fc.assert(
      fc.property(anyPolicies, question, (policies, asked) => {
        const before = ask(policies, asked);
        const turned = policies.map((policy) => ({ ...policy, rules: policy.rules.toReversed() })).toReversed();
        const after = ask(turned, asked);
        expect(after.kind).toBe(before.kind);
        expect(grantsOf(after)).toEqual(grantsOf(before));
        expect(limitsOf(after)).toHaveLength(limitsOf(before).length);
      }),
      { numRuns },
    );
  });

  it('never allows or grants more when a reading is added', () => {
    fc.assert(
      fc.property(anyPolicies, question, fc.constantFrom(...paths), (policies, asked, reading) => {
        const before = ask(policies, asked);
        const after = ask(policies, { ...asked, readings: [...asked.readings, reading] });
        if (before.kind === 'deny') expect(after.kind).toBe('deny');
        for (const name of grantsOf(after)) expect(grantsOf(before)).toContain(name);
      }),
      { numRuns },
    );
  });

  it('allows no request to a host that may not be reached', () => {
    fc.assert(
      fc.property(anyPolicies, question, (policies, asked) => {
        const reach = mayReachHost(new CompiledPolicy(policies).rulesFor(asked.host, asked.port), asked.nowMs);
        if (reach.kind === 'deny') expect(ask(policies, asked).kind).toBe('deny');
      }),
      { numRuns },
    );
  });

  it('passes a host through only where every request to it would be allowed', () => {
    fc.assert(
      fc.property(anyPolicies, question, (policies, asked) => {
        const reach = mayReachHost(new CompiledPolicy(policies).rulesFor(asked.host, asked.port), asked.nowMs);
        if (reach.kind === 'deny' || !reach.options.tunnel) return;
        expect(ask(policies, asked).kind).toBe('allow');
      }),
      { numRuns },
    );
  });

  it('agrees with a decision made the slow way', () => {
    fc.assert(
      fc.property(anyPolicies, question, (policies, asked) => {
        const decision = ask(policies, asked);
        const isMonitored = decision.kind === 'allow' && decision.monitored !== undefined;
        expect({
          kind: decision.kind,
          isMonitored,
          grants: grantsOf(decision),
          limits: limitsOf(decision),
        }).toEqual(slowly(policies, asked));
      }),
      { numRuns: numRuns * 2 },
    );
  });
});

interface SlowDecision {
  readonly kind: 'allow' | 'deny';
  readonly isMonitored: boolean;
  readonly grants: readonly string[];
  readonly limits: readonly string[];
}

/** The definition of a decision, rule by rule, without an index. */
function slowly(policies: readonly Policy[], asked: Question): SlowDecision {
  const denied: SlowDecision = { kind: 'deny', isMonitored: false, grants: [], limits: [] };
  const rules = policies.flatMap(({ mode, name, id: policy, rules: all }) =>
    all.map((rule, index) => ({ ...rule, mode, policy, id: `${name}/rules/${index}` })),
  );
  const lifts = rules.flatMap(({ lifts: lift }) => (lift ? [lift] : []));
  const forms = asked.methods.flatMap((method) => asked.readings.map((path) => ({ method, path })));
  const denying = rules.filter((rule) => rule.effect === 'deny' && forms.some((form) => holds(rule, asked, form)));
  if (denying.some(({ mode }) => mode === 'enforce')) return denied;
  const allowing = forms.map((form) => rules.filter((rule) => rule.effect === 'allow' && holds(rule, asked, form)));
  const isSilent = allowing.some((covering) => covering.length === 0);
  const own = policies.filter((policy) => !isApproval(policy));
  const isLearning = own.length > 0 && own.every(({ mode }) => mode === 'monitor');
  if (isSilent && !isLearning) return denied;
  const asking = forms.flatMap((form, index) =>
    (allowing[index] ?? []).filter(({ approval, policy }) => {
      const lifting = lifts.filter(({ asked: lifted }) => approval && lifted === `${policy}/${approval.key}`);
      return approval && !lifting.some((lift) => lift.untilMs > asked.nowMs && holds(liftAlone(lift), asked, form));
    }),
  );
  if (asking.some(({ mode }) => mode === 'enforce')) return denied;
  const grants = allowing.map((covering) => new Set(covering.flatMap(({ secrets }) => secrets)));
  const limited = allowing.flat().filter(({ maxConcurrent }) => maxConcurrent !== undefined);
  return {
    kind: 'allow',
    isMonitored: isSilent || denying.length > 0 || asking.length > 0,
    grants: [...(grants[0] ?? [])].filter((name) => grants.every((granted) => granted.has(name))).sort(),
    limits: [...new Set(limited)].map(({ id }) => id).sort(),
  };
}

function liftAlone({ hosts: where, paths: which, methods: by }: Lift): Rule {
  return { effect: 'allow', hosts: where, paths: which, methods: by, secrets: [] };
}

interface Form {
  readonly method: string;
  readonly path: string;
}

function holds(rule: Rule, { host, port, nowMs }: Question, { method, path }: Form): boolean {
  const isDeny = rule.effect === 'deny';
  const candidates = isDeny && path.length > 1 && path.endsWith('/') ? [path, path.slice(0, -1)] : [path];
  const isHost = rule.hosts.some((text) => {
    const parsed = parseHostPattern(text);
    if (parsed.kind === 'invalid') return isDeny;
    const { kind, host: name, port: only } = parsed.pattern;
    const isName = kind === 'exact' ? name === host : host.endsWith(name) && host !== name;
    return isName && (only === undefined ? isDeny || port === 443 || port === 80 : only === port);
  });
  const isPath = rule.paths.some((text) => {
    const parsed = parsePathPattern(text, { ignoreCase: isDeny });
    return parsed.kind === 'invalid' ? isDeny : candidates.some((one) => parsed.covers(one));
  });
  const isThen = (rule.windows ?? []).some((window) => {
    const parsed = parseTimeWindow(window);
    return parsed.kind === 'invalid' ? isDeny : parsed.isOpen(nowMs);
  });
  const isMethod = rule.methods.includes(isDeny ? method.toUpperCase() : method);
  return (
    isHost &&
    (rule.paths.length === 0 || isPath) &&
    (rule.methods.length === 0 || isMethod) &&
    (rule.windows === undefined || (isDeny && rule.windows.length === 0) || isThen)
  );
}
