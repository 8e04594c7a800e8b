import { describe, expect, it } from 'vitest';
import { CompiledPolicy, type Decision, decide, type HostDecision, mayReachHost } from './evaluate-policy.ts';
import type { Rule } from './policy.ts';

const host = 'api.example.com';
const rule = (effect: Rule['effect'], more: Partial<Rule> = {}): Rule => ({
  effect,
  hosts: [host],
  paths: [],
  methods: [],
  secrets: [],
  ...more,
});
const compile = (...rules: Rule[]) => new CompiledPolicy([{ id: '1', name: 'p', agents: [], rules }]);
const reach = (...rules: Rule[]): HostDecision => mayReachHost(compile(...rules).rulesFor(host, 443), 0);
const ask = (paths: readonly string[], ...rules: Rule[]): Decision =>
  decide(compile(...rules).rulesFor(host, 443), ['GET'], paths, 0);

describe('decide', () => {
  it('names the policy and the rule that decided', () => {
    const policy = new CompiledPolicy([
      { id: '1', name: 'other', agents: [], rules: [rule('allow', { hosts: ['b.example.com'] })] },
      { id: '2', name: 'main', agents: [], rules: [rule('deny', { paths: ['/x'] }), rule('allow')] },
    ]);
    const rules = policy.rulesFor(host, 443);
    expect(decide(rules, ['GET'], ['/'], 0).rule).toBe('main/rules/1');
    expect(decide(rules, ['GET'], ['/x'], 0)).toEqual({ kind: 'deny', rule: 'main/rules/0', reason: 'DENIED_BY_RULE' });
  });

  it('denies a request without a reading', () => {
    expect(ask([], rule('allow'))).toMatchObject({ kind: 'deny', reason: 'NO_RULE' });
  });

  it('denies when one reading is denied, wherever it stands', () => {
    const rules = [rule('allow'), rule('deny', { paths: ['/admin'] })];
    expect(ask(['/a', '/admin'], ...rules)).toMatchObject({ reason: 'DENIED_BY_RULE' });
    expect(ask(['/admin', '/a'], ...rules)).toMatchObject({ reason: 'DENIED_BY_RULE' });
  });

  it('denies when one reading is allowed by no rule, wherever it stands', () => {
    const allow = rule('allow', { paths: ['/a', '/b'], secrets: ['prod/a'] });
    expect(ask(['/a', '/c'], allow)).toMatchObject({ reason: 'NO_RULE' });
    expect(ask(['/c', '/a'], allow)).toMatchObject({ reason: 'NO_RULE' });
    expect(ask(['/a', '/b'], allow)).toMatchObject({ kind: 'allow', secrets: new Set(['prod/a']) });
  });

  it('grants over three readings what each of them grants', () => {
    const grant = (path: string, secrets: string[]) => rule('allow', { paths: [path], secrets });
    const rules = [grant('/a', ['x', 'y']), grant('/b', ['y', 'z']), grant('/c', ['z'])];
    expect(ask(['/a', '/b'], ...rules)).toMatchObject({ secrets: new Set(['y']) });
    expect(ask(['/a', '/b', '/c'], ...rules)).toMatchObject({ kind: 'allow', secrets: new Set() });
  });

  it('does not change a rule that it took grants from', () => {
    const policy = compile(
      rule('allow', { secrets: ['prod/a'] }),
      rule('allow', { paths: ['/x'], secrets: ['prod/b'] }),
    );
    const rules = policy.rulesFor(host, 443);
    expect(decide(rules, ['GET'], ['/x'], 0)).toMatchObject({ secrets: new Set(['prod/a', 'prod/b']) });
    expect(decide(rules, ['GET'], ['/y'], 0)).toMatchObject({ secrets: new Set(['prod/a']) });
  });
});

describe('mayReachHost', () => {
  it('needs an allow for the host', () => {
    expect(reach()).toMatchObject({ kind: 'deny', reason: 'NO_RULE' });
    expect(reach(rule('allow', { hosts: ['b.example.com'] }))).toMatchObject({ reason: 'NO_RULE' });
    expect(reach(rule('allow', { paths: ['/v1/**'], methods: ['POST'] }))).toMatchObject({ kind: 'allow' });
  });

  it('is denied by a deny of everything there, and by nothing narrower', () => {
    expect(reach(rule('allow'), rule('deny'))).toMatchObject({ rule: 'p/rules/1', reason: 'DENIED_BY_RULE' });
    expect(reach(rule('allow'), rule('deny', { hosts: ['*.example.com'] }))).toMatchObject({ kind: 'deny' });
    expect(reach(rule('allow'), rule('deny', { paths: ['/x'] }))).toMatchObject({ kind: 'allow' });
    expect(reach(rule('allow'), rule('deny', { methods: ['GET'] }))).toMatchObject({ kind: 'allow' });
  });

  it('is denied everywhere by a deny whose host cannot be read', () => {
    expect(reach(rule('allow'), rule('deny', { hosts: ['b.example.com', '*.com'] }))).toMatchObject({ kind: 'deny' });
  });

  it('looks at a port that no allow names as at another place', () => {
    expect(mayReachHost(compile(rule('allow')).rulesFor(host, 22), 0)).toMatchObject({ reason: 'NO_RULE' });
  });
});
