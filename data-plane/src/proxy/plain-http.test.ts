import { CompiledPolicy } from '@onecli/shared/domain/evaluate-policy';
import type { Rule } from '@onecli/shared/domain/policy';
import { describe, expect, it } from 'vitest';
import type { Tunnel } from './agent-stream.ts';
import { refusePlainHttp } from './plain-http.ts';

const rule: Rule = { effect: 'allow', hosts: ['h.example:80'], paths: [], methods: [], secrets: [] };
const tunnel = (isSecure: boolean) => ({ isSecure }) as Tunnel;

function judge(isSecure: boolean | undefined, rules: readonly Rule[]) {
  const policy = new CompiledPolicy([{ id: 'p', name: 'p', agents: [], rules }]);
  const inside = isSecure === undefined ? undefined : tunnel(isSecure);
  return refusePlainHttp(inside, policy.rulesFor('h.example', 80), 0)?.code ?? 'served';
}

describe('plain HTTP inside a CONNECT', () => {
  it('is served where a rule for the host asks for it', () => {
    expect(judge(false, [{ ...rule, plainHttp: true }])).toBe('served');
    expect(judge(false, [rule, { ...rule, plainHttp: true }])).toBe('served');
  });

  it('is refused otherwise', () => {
    expect(judge(false, [rule])).toBe('BAD_REQUEST');
    expect(judge(false, [rule, { ...rule, hosts: ['other.example:80'], plainHttp: true }])).toBe('BAD_REQUEST');
    expect(judge(false, [])).toBe('BAD_REQUEST');
  });

  it('is none of what comes by TLS, or without a tunnel', () => {
    expect([judge(true, [rule]), judge(undefined, [rule])]).toEqual(['served', 'served']);
  });
});
