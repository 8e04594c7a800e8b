import type { Policy } from '@onecli/shared/domain/policy';
import { describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { describeAccess } from './describe-access.ts';
import { defaultLimits } from './testing/default-limits.ts';

const value = 'sk-canary-value';
const keyring = newKeyring();
const secrets = [
  sealedSecret(keyring, { name: 'prod/openai', values: ['old', value] }),
  sealedSecret(keyring, { name: 'prod/off', values: [value], isDisabled: true }),
  sealedSecret(keyring, { name: 'prod/loose', values: [value], binding: { hosts: [], surfaces: ['header'] } }),
  sealedSecret(keyring, {
    name: 'prod/alias',
    values: [value],
    alias: 'ghp_alias',
    binding: { hosts: ['h.example'], surfaces: ['query'], allowCleartext: true },
  }),
  sealedSecret(keyring, { name: 'prod/others', values: [value] }),
];
const agent = sampleAgent('ci-7', { labels: { team: 'a' }, tokens: [{ hash: 'f00d', expiresAtMs: undefined }] });
const other = sampleAgent('other');

function policy(name: string, agents: readonly string[], rules: Policy['rules']): Policy {
  return { id: name, name, agents: agents.map((one) => ({ kind: 'name', name: one })) as never, rules };
}

const rule = { effect: 'allow', hosts: ['api.example.com'], paths: [], methods: [], secrets: [] } as const;

function accessOf(rules: Policy['rules']) {
  const policies = [
    policy('mine', ['ci-7'], rules),
    policy('theirs', ['other'], [{ ...rule, hosts: ['theirs.example'] }]),
  ];
  const snapshot = sampleSnapshot({
    revision: 5,
    secrets,
    agents: [agent, other],
    policies: new Map(policies.map((one) => [one.id, one])),
  });
  return describeAccess(new Configuration(snapshot), agent, defaultLimits) as Record<string, unknown>;
}

describe('describeAccess', () => {
  it('tells an agent who it is, where it may go and what it may put there', () => {
    const access = accessOf([
      { ...rule, paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/openai'] },
      rule,
      { ...rule, effect: 'deny', paths: ['/v1/keys/**'] },
    ]);
    expect(access).toMatchObject({
      agent: 'ci-7',
      labels: { team: 'a' },
      revision: 5,
      allow: [
        {
          hosts: ['api.example.com'],
          paths: ['/v1/**'],
          methods: ['GET'],
          placeholders: ['onecli://prod/openai'],
        },
        { hosts: ['api.example.com'] },
      ],
      deny: [{ hosts: ['api.example.com'], paths: ['/v1/keys/**'] }],
      placeholders: [{ placeholder: 'onecli://prod/openai', hosts: ['api.example.com'], places: ['header', 'basic'] }],
    });
    expect(access).not.toHaveProperty('leftOut');
  });

  it('says why a placeholder would not work', () => {
    const { placeholders } = accessOf([{ ...rule, secrets: ['prod/off', 'prod/none', 'prod/loose'] }]);
    expect(placeholders).toEqual([
      { placeholder: 'onecli://prod/loose', usable: false, why: 'it is bound to no host or no place' },
      { placeholder: 'onecli://prod/none', usable: false, why: 'there is no secret of that name' },
      { placeholder: 'onecli://prod/off', usable: false, why: 'an admin has disabled it' },
    ]);
  });

  it('names the alias, and what may go without TLS', () => {
    expect(accessOf([{ ...rule, secrets: ['prod/alias'] }])['placeholders']).toEqual([
      {
        placeholder: 'onecli://prod/alias',
        alias: 'ghp_alias',
        hosts: ['h.example'],
        places: ['query'],
        overHttpToo: true,
      },
    ]);
  });

  it("has no value, no token, and nothing of another agent's", () => {
    const text = JSON.stringify(accessOf([{ ...rule, secrets: ['prod/openai'] }]));
    for (const absent of [value, Buffer.from(value).toString('base64'), 'f00d', 'prod/others', 'theirs', 'mine'])
      expect(text).not.toContain(absent);
  });

  it('stays small, and says how much it leaves out', () => {
    const access = accessOf(Array.from({ length: 1000 }, () => rule));
    expect(access['allow']).toHaveLength(100);
    expect(access['leftOut']).toEqual({ allow: 900 });
  });
});
