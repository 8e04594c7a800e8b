import { describe, expect, it } from 'vitest';
import { policyDifferences } from './policy-differences.ts';

const stripe = {
  allow: { hosts: ['api.stripe.com'], paths: ['/v1/payments/**'], methods: ['GET'], secrets: ['prod/stripe'] },
};
const plaid = { allow: { hosts: ['api.plaid.com'], rateLimit: { requests: 60, perSeconds: 60 } } };
const deny = { deny: { hosts: ['api.openai.com'] } };
const policy = { name: 'finance', agents: ['openclaw'], rules: [stripe, plaid, deny] };

describe('what differs between two documents of a policy', () => {
  it('is nothing where they say the same, in whatever order of fields', () => {
    const again = {
      rules: [
        {
          allow: { secrets: ['prod/stripe'], methods: ['GET'], paths: ['/v1/payments/**'], hosts: ['api.stripe.com'] },
        },
        plaid,
        deny,
      ],
    };
    expect(policyDifferences(policy, { ...policy, ...again, mode: 'enforce' })).toEqual([]);
  });

  it('tells a rule that came, wherever it stands, and no other', () => {
    const github = { allow: { hosts: ['api.github.com'] } };
    expect(policyDifferences(policy, { ...policy, rules: [stripe, github, plaid, deny] })).toEqual([
      { what: 'Rule 2, new', before: undefined, after: 'Allow everything to api.github.com' },
    ]);
  });

  it('tells a rule that went, and one that is another now', () => {
    const wider = { allow: { ...stripe.allow, methods: ['GET', 'POST'] } };
    expect(policyDifferences(policy, { ...policy, rules: [wider, deny] })).toEqual([
      {
        what: 'Rule 1',
        before: 'Allow GET to api.stripe.com, only /v1/payments/**, with prod/stripe',
        after: 'Allow GET, POST to api.stripe.com, only /v1/payments/**, with prod/stripe',
      },
      {
        what: 'Rule 2, gone',
        before: 'Allow everything to api.plaid.com, at most 60 in 60 s for each agent',
        after: undefined,
      },
    ]);
  });

  it('tells whom it selects, and its mode', () => {
    const agents = [{ labels: { team: 'finance', site: 'berlin' } }, 'ci-*'];
    expect(policyDifferences(policy, { ...policy, mode: 'monitor', agents })).toEqual([
      { what: 'Mode', before: 'Enforce', after: 'Monitor' },
      { what: 'Agents', before: 'openclaw', after: 'team=finance and site=berlin, ci-*' },
    ]);
    expect(policyDifferences(policy, { ...policy, agents: [] })).toEqual([
      { what: 'Agents', before: 'openclaw', after: 'nobody' },
    ]);
  });

  it('tells all of a new one as what comes', () => {
    expect(policyDifferences({}, { ...policy, rules: [deny] })).toEqual([
      { what: 'Agents', before: undefined, after: 'openclaw' },
      { what: 'Rule 1, new', before: undefined, after: 'Deny everything to api.openai.com' },
    ]);
  });

  it('tells that a rule asks a person', () => {
    const asking = { allow: { ...plaid.allow, approval: true } };
    expect(policyDifferences({ rules: [plaid] }, { rules: [asking] })).toEqual([
      {
        what: 'Rule 1',
        before: 'Allow everything to api.plaid.com, at most 60 in 60 s for each agent',
        after: 'Allow everything to api.plaid.com, at most 60 in 60 s for each agent, once a person has approved it',
      },
    ]);
  });

  it('hides nothing that it has no words for', () => {
    const timed = {
      deny: { hosts: ['a.example'], windows: [{ days: ['mon'], from: '09:00', to: '17:00', zone: 'UTC' }] },
    };
    const [found] = policyDifferences({ rules: [] }, { rules: [timed] });
    expect(found?.after).toContain('windows: [ { days: [ mon ], from: 09:00, to: 17:00, zone: UTC } ]');
    expect(policyDifferences({ rules: [] }, { rules: ['all'] })[0]?.after).toBe('all');
  });
});
