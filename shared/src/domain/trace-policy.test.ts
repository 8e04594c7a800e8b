import { describe, expect, it } from 'vitest';
import type { Policy, Rule } from './policy.ts';
import { tracePolicies } from './trace-policy.ts';

const rule = (more: Partial<Rule>): Rule => ({
  effect: 'allow',
  hosts: ['api.example.com'],
  paths: [],
  methods: [],
  secrets: [],
  ...more,
});
const asked = {
  host: 'api.example.com',
  port: 443,
  methods: ['GET'],
  readings: ['/v1/a'],
  nowMs: Date.parse('2030-01-31T12:00:00Z'),
};
const night = [{ days: ['mon'], from: '01:00', to: '02:00', zone: 'UTC' }] as unknown as NonNullable<Rule['windows']>;
const matches = (rules: readonly Rule[]) => {
  const policy: Policy = { id: 'p', name: 'p', agents: [], rules };
  return tracePolicies([policy], asked).map(({ match }) => match);
};

describe('the trace of a policy', () => {
  it.each(['allow', 'deny'] as const)('tells why each %s rule covers the request or does not', (effect) => {
    expect(
      matches([
        rule({ effect }),
        rule({ effect, hosts: ['other.example.com'] }),
        rule({ effect, hosts: ['api.example.com:8443'] }),
        rule({ effect, paths: ['/v2/**'] }),
        rule({ effect, methods: ['POST'] }),
        rule({ effect, methods: ['POST'], paths: ['/v2/**'] }),
        rule({ effect, windows: night }),
        rule({ effect, paths: ['/v1/*'], methods: ['GET'] }),
      ]),
    ).toEqual([
      'COVERS',
      'OTHER_HOST',
      'OTHER_HOST',
      'OTHER_PATH',
      'OTHER_METHOD',
      'OTHER_METHOD',
      'NOT_IN_FORCE',
      'COVERS',
    ]);
  });

  it('needs every reading of a path to be covered by an allow, and one alone by a deny', () => {
    const policy: Policy = {
      id: 'p',
      name: 'p',
      agents: [],
      rules: [rule({ paths: ['/v1/a'] }), rule({ effect: 'deny', paths: ['/v1/a'] })],
    };
    const trace = tracePolicies([policy], { ...asked, readings: ['/v1/a', '/v1/b'] });
    expect(trace.map(({ rule: id, match }) => [id, match])).toEqual([
      ['p/rules/0', 'OTHER_PATH'],
      ['p/rules/1', 'COVERS'],
    ]);
  });
});
