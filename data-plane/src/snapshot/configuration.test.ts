import { decide } from '@onecli/shared/domain/evaluate-policy';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import type { AgentSelector } from '@onecli/shared/domain/agent-selector';
import { describe, expect, it } from 'vitest';
import { Configuration } from './configuration.ts';
import { sampleAgent, sampleSnapshot } from './testing/sample-snapshot.ts';

const nowMs = 1_000_000;
const token = (hash: string, expiresAtMs?: number) => ({ hash, expiresAtMs });
const configure = (...agents: AgentRecord[]) => new Configuration(sampleSnapshot({ agents }));

describe('Configuration.agentByToken', () => {
  it('knows an agent by each of its tokens', () => {
    const configuration = configure(sampleAgent('bot', { tokens: [token('h1'), token('h2')] }));
    expect(configuration.agentByToken('h1', nowMs)?.agent.name).toBe('bot');
    expect(configuration.agentByToken('h2', nowMs)?.agent.name).toBe('bot');
  });

  it.each(['', 'h', 'h11', 'H1', 'undefined'])('does not know %j', (hash) => {
    expect(configure(sampleAgent('bot', { tokens: [token('h1')] })).agentByToken(hash, nowMs)).toBeUndefined();
  });

  it('does not know a disabled agent', () => {
    const configuration = configure(sampleAgent('bot', { isDisabled: true, tokens: [token('h1')] }));
    expect(configuration.agentByToken('h1', nowMs)).toBeUndefined();
  });

  it('knows a token up to the millisecond it expires in, not in it', () => {
    const configuration = configure(sampleAgent('bot', { tokens: [token('h1', nowMs)] }));
    expect(configuration.agentByToken('h1', nowMs - 1)?.agent.name).toBe('bot');
    expect(configuration.agentByToken('h1', nowMs)).toBeUndefined();
    expect(configuration.agentByToken('h1', nowMs + 1)).toBeUndefined();
  });

  it('lets an expired token be, next to one that is good', () => {
    const configuration = configure(sampleAgent('bot', { tokens: [token('old', nowMs - 1), token('new')] }));
    expect(configuration.agentByToken('old', nowMs)).toBeUndefined();
    expect(configuration.agentByToken('new', nowMs)?.token.hash).toBe('new');
  });

  it('forgets a rotated token with the next snapshot', () => {
    expect(configure(sampleAgent('bot', { tokens: [token('old')] })).agentByToken('old', nowMs)).toBeDefined();
    expect(configure(sampleAgent('bot', { tokens: [token('new')] })).agentByToken('old', nowMs)).toBeUndefined();
  });
});

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

describe('Configuration.hasAgentNamed', () => {
  it('knows disabled agents as well', () => {
    const configuration = configure(sampleAgent('bot', { isDisabled: true }));
    expect(configuration.hasAgentNamed('bot')).toBe(true);
    expect(configuration.hasAgentNamed('id-of-bot')).toBe(false);
    expect(configuration.hasAgentNamed('')).toBe(false);
  });
});
