import { describe, expect, it } from 'vitest';
import { addRule, readPolicy, removeRule, setAgents, setAsks, setEffect, setMode, setRuleList } from './policy-yaml.ts';

const text = `# Who pays
name: finance
agents:
  - openclaw-finance # the one in Berlin
  - labels: { team: finance, site: berlin }
rules:
  # Payments alone
  - allow:
      hosts: [ api.stripe.com ]
      paths:
        - /v1/payments # one
        - /v1/payments/** # and below
      secrets: [ prod/stripe ]
      rateLimit: { requests: 10, perSeconds: 60 }
  - deny: { hosts: [ api.openai.com ] }
`;

describe('a policy as a form has it', () => {
  it('is what the text says', () => {
    expect(readPolicy(text)).toEqual({
      mode: 'enforce',
      agents: ['openclaw-finance', 'team=finance&site=berlin'],
      rules: [
        {
          effect: 'allow',
          hosts: ['api.stripe.com'],
          paths: ['/v1/payments', '/v1/payments/**'],
          methods: [],
          secrets: ['prod/stripe'],
          asks: false,
          others: ['rateLimit'],
        },
        { effect: 'deny', hosts: ['api.openai.com'], paths: [], methods: [], secrets: [], asks: false, others: [] },
      ],
    });
  });

  it.each(['rules: [', '- one', 'rules: [{ permit: {} }]', 'rules: [{ allow: {}, deny: {} }]', 'rules: none'])(
    'is none for %j, and says why',
    (bad) => {
      expect(typeof readPolicy(bad)).toBe('string');
    },
  );
});

describe('an edit in the form', () => {
  it('changes that place of the text and nothing else, whatever its place', () => {
    expect(setRuleList(text, 0, 'paths', ['/v1/payments/**', '/v1/refunds'])).toBe(
      text.replace('        - /v1/payments # one\n', '').replace('# and below', '# and below\n        - /v1/refunds'),
    );
    expect(setRuleList(text, 0, 'hosts', ['api.stripe.com', 'files.stripe.com'])).toBe(
      text.replace('[ api.stripe.com ]', '[ api.stripe.com, files.stripe.com ]'),
    );
    expect(setRuleList(text, 0, 'methods', ['GET'])).toBe(
      text.replace('perSeconds: 60 }', 'perSeconds: 60 }\n      methods: [ GET ]'),
    );
    expect(setRuleList(text, 0, 'secrets', [])).toBe(text.replace('      secrets: [ prod/stripe ]\n', ''));
    expect(setMode(text, 'monitor')).toBe(`${text}mode: monitor\n`);
    expect(setMode(setMode(text, 'monitor'), 'enforce')).toBe(text);
    expect(setAgents(text, ['openclaw-finance', 'team=ops'])).toContain('- openclaw-finance # the one in Berlin');
    expect(readPolicy(setAgents(text, ['team=ops&site=a=b']))).toMatchObject({ agents: ['team=ops&site=a=b'] });
  });

  it('has an allow ask a person, and no more', () => {
    const asking = setAsks(text, 0, true);
    expect(asking).toBe(text.replace('perSeconds: 60 }', 'perSeconds: 60 }\n      approval: true'));
    expect(readPolicy(asking)).toMatchObject({ rules: [{ asks: true, others: ['rateLimit'] }, { asks: false }] });
    expect(setAsks(asking, 0, false)).toBe(text);
    expect(readPolicy(asking.replace('approval: true', 'approval: maybe'))).toMatchObject({
      rules: [{ asks: false, others: ['rateLimit', 'approval'] }, {}],
    });
    expect(setEffect(asking, 0, 'deny')).not.toContain('approval');
  });

  it('adds and removes rules', () => {
    const more = readPolicy(addRule(text));
    expect(more).toMatchObject({ rules: [{ effect: 'allow' }, { effect: 'deny' }, { hosts: ['api.example.com'] }] });
    expect(readPolicy(removeRule(text, 0))).toMatchObject({ rules: [{ effect: 'deny' }] });
    expect(readPolicy(addRule('name: new\n'))).toMatchObject({ rules: [{ effect: 'allow' }] });
  });

  it('makes a deny of an allow without what a deny cannot have', () => {
    const denied = setEffect(text, 0, 'deny');
    expect(readPolicy(denied)).toMatchObject({ rules: [{ effect: 'deny', secrets: [], others: [] }, {}] });
    expect(denied).toContain('# Payments alone');
    expect(denied).toContain('/v1/payments # one');
    expect(setEffect(text, 1, 'allow')).toBe(text.replace('- deny:', '- allow:'));
  });
});
