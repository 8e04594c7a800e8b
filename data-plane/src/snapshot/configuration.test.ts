import { decide } from '@onecli/shared/domain/evaluate-policy';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import type { AgentSelector } from '@onecli/shared/domain/agent-selector';
import { describe, expect, it } from 'vitest';
import { Configuration } from './configuration.ts';
import { sampleAgent, sampleSnapshot } from './testing/sample-snapshot.ts';

describe('Configuration.policyOf', () => {
  const allowed = (agents: AgentSelector[], agent: AgentRecord): string => {
    const rules = [{ effect: 'allow' as const, hosts: ['a.example'], paths: [], methods: [], secrets: [] }];
    const policies = new Map([['p', { id: '1', name: 'p', agents, rules }]]);
    const configuration = new Configuration(sampleSnapshot({ agents: [agent], policies }));
    return decide(configuration.policyOf(agent).rulesFor('a.example', 443), ['GET'], ['/'], 0).kind;
  };
  const red = sampleAgent('bot', { labels: { team: 'red' } });

  it('holds the policies that pick the agent, and no other', () => {
    expect(allowed([{ kind: 'name', name: 'bot' }], red)).toBe('allow');
    expect(allowed([{ kind: 'name', name: 'other' }], red)).toBe('deny');
    expect(allowed([{ kind: 'labels', labels: { team: 'red' } }], red)).toBe('allow');
    expect(allowed([{ kind: 'labels', labels: { team: 'blue' } }], red)).toBe('deny');
    expect(
      allowed(
        [
          { kind: 'name', name: 'other' },
          { kind: 'labels', labels: { team: 'red' } },
        ],
        red,
      ),
    ).toBe('allow');
    expect(allowed([], red)).toBe('deny');
  });

  it('compiles them once for all agents that the same policies pick', () => {
    const blue = sampleAgent('blue');
    const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [] };
    const configuration = new Configuration(sampleSnapshot({ policies: new Map([['p', policy]]) }));
    expect(configuration.policyOf(red)).toBe(configuration.policyOf(red));
    expect(configuration.policyOf(red)).not.toBe(configuration.policyOf(blue));
    expect(configuration.policyOf(blue)).toBe(configuration.policyOf(sampleAgent('other')));
  });
});

describe('Configuration after another one', () => {
  const one = { id: '1', name: 'one', agents: [{ kind: 'glob' as const, glob: '*' }], rules: [] };
  const two = { ...one, id: '2', name: 'two' };
  const bot = sampleAgent('bot');
  const configured = (previous: Configuration | undefined, ...policies: (typeof one)[]) =>
    new Configuration(sampleSnapshot({ policies: new Map(policies.map((each) => [each.name, each])) }), previous);

  it('takes over what was compiled of policies that are the same', () => {
    const first = configured(undefined, one, two);
    const rules = first.policyOf(bot);
    const second = configured(first, one, two);
    expect(second.policyOf(bot)).toBe(rules);
    expect(configured(second, one, two).policyOf(bot)).toBe(rules);
  });

  it('compiles anew what was changed, added or removed', () => {
    const first = configured(undefined, one, two);
    const rules = first.policyOf(bot);
    expect(configured(first, one, { ...two }).policyOf(bot)).not.toBe(rules);
    expect(configured(first, one).policyOf(bot)).not.toBe(rules);
    expect(configured(first, one, two, { ...one, id: '3', name: 'three' }).policyOf(bot)).not.toBe(rules);
  });
});
