import { describe, expect, it } from 'vitest';
import {
  addRule,
  describeRule,
  grantedSecrets,
  type NewRule,
  type RuleMatch,
  ruleSchema,
  valueAt,
  withoutDeleted,
} from './policy-rules.ts';

const allow = (match: Partial<RuleMatch>): NewRule => ({
  effect: 'allow',
  terms: {},
  match: { hosts: ['api.openai.com'], paths: [], methods: [], secrets: [], ...match },
});
const rules = (...inputs: unknown[]) => inputs.map((input) => ruleSchema.parse(input));

describe('addRule', () => {
  it('starts a policy with the rule, leaving out what it does not limit', () => {
    const added = addRule([], allow({ paths: ['/v1/**'] }));
    expect(added).toEqual({ rules: [{ allow: { hosts: ['api.openai.com'], paths: ['/v1/**'] } }], isChanged: true });
  });

  it('changes nothing when the same rule is given twice', () => {
    const existing = rules({ allow: { hosts: ['api.openai.com'], paths: ['/v1/**'], secrets: ['prod/openai'] } });
    const added = addRule(existing, allow({ paths: ['/v1/**'], secrets: ['prod/openai'] }));
    expect(added.isChanged).toBe(false);
    expect(added.rules).toHaveLength(1);
  });

  it('joins rules for the same hosts that differ in their paths alone', () => {
    const existing = rules({ allow: { hosts: ['api.openai.com'], paths: ['/v1/**'], secrets: ['prod/openai'] } });
    expect(addRule(existing, allow({ paths: ['/v2/**'], secrets: ['prod/openai'] })).rules).toEqual([
      { allow: { hosts: ['api.openai.com'], paths: ['/v1/**', '/v2/**'], secrets: ['prod/openai'] } },
    ]);
  });

  it('grants a secret on a host that was allowed without one', () => {
    const existing = rules({ allow: { hosts: ['api.openai.com'] } });
    expect(addRule(existing, allow({ secrets: ['prod/openai'] })).rules).toEqual([
      { allow: { hosts: ['api.openai.com'], secrets: ['prod/openai'] } },
    ]);
  });

  it('keeps a rule apart when joining it would grant a secret on paths nobody named', () => {
    const existing = rules({ allow: { hosts: ['api.openai.com'], paths: ['/a'], secrets: ['prod/one'] } });
    expect(addRule(existing, allow({ paths: ['/b'], secrets: ['prod/two'] })).rules).toHaveLength(2);
  });

  it('takes all paths and one path together for all paths', () => {
    const existing = rules({ allow: { hosts: ['api.openai.com'], paths: ['/v1/**'] } });
    expect(addRule(existing, allow({})).rules).toEqual([{ allow: { hosts: ['api.openai.com'] } }]);
    expect(addRule(rules({ allow: { hosts: ['api.openai.com'] } }), allow({ paths: ['/v1/**'] })).isChanged).toBe(
      false,
    );
  });

  it('never joins an allow with a deny of the same host', () => {
    const existing = rules({ deny: { hosts: ['api.openai.com'], paths: ['/v1/files'] } });
    expect(addRule(existing, allow({ paths: ['/v1/**'] })).rules).toHaveLength(2);
  });

  it('keeps what it does not know of a rule, and does not join into it', () => {
    const limited = { allow: { hosts: ['api.openai.com'] }, limit: { perMinute: 5 } };
    expect(addRule(rules(limited), allow({})).rules).toEqual([limited, { allow: { hosts: ['api.openai.com'] } }]);
  });

  it('joins no rule with terms into another, and takes the same one for itself', () => {
    const windows = [{ days: ['mon'], from: '09:00', to: '17:00', zone: 'UTC' }];
    const windowed = { ...allow({}), terms: { windows } };
    const [plain, limited] = [
      { allow: { hosts: ['api.openai.com'] } },
      { allow: { hosts: ['api.openai.com'], windows } },
    ];
    expect(addRule(rules(plain), windowed)).toEqual({ rules: [plain, limited], isChanged: true });
    expect(addRule(rules(plain, limited), windowed)).toEqual({ rules: [plain, limited], isChanged: false });
    expect(addRule(rules(limited), allow({ paths: ['/a'] })).rules).toHaveLength(2);
  });

  it('sends back what the API gave as null or empty as not limited', () => {
    const existing = rules({ allow: { hosts: ['a.example'], paths: [], methods: null, secrets: [] }, deny: null });
    expect(addRule(existing, allow({})).rules[0]).toEqual({ allow: { hosts: ['a.example'] } });
  });
});

describe('grantedSecrets', () => {
  it('names each secret of the allow rules once', () => {
    const all = rules(
      { allow: { hosts: ['a'], secrets: ['x/y'] } },
      { allow: { hosts: ['b'], secrets: ['x/y', 'x/z'] } },
      { deny: { hosts: ['c'] } },
    );
    expect(grantedSecrets(all)).toEqual(['x/y', 'x/z']);
  });
});

describe('withoutDeleted', () => {
  it('takes out grants of secrets that are gone, and nothing else', () => {
    const before = rules({ allow: { hosts: ['a'], secrets: ['x/y', 'x/z'] } }, { deny: { hosts: ['c'] } });
    const after = rules({ allow: { hosts: ['a'], secrets: ['x/z'] } }, { deny: { hosts: ['c'] } });
    expect(withoutDeleted(before, (name) => name === 'x/z')).toEqual({ rules: after, deleted: ['x/y'] });
  });
});

describe('valueAt', () => {
  const body = { rules: rules({ allow: { hosts: ['a', 'b'] } }) };
  it('finds what the API names by its place', () => {
    expect(valueAt(body, 'rules[0].allow.hosts[1]')).toBe('b');
  });

  it.each(['rules[1].allow.hosts[0]', 'rules[0].allow', 'constructor.name', ''])('finds no text at %j', (place) => {
    expect(valueAt(body, place)).toBeUndefined();
  });
});

describe('describeRule', () => {
  it('reads as a sentence', () => {
    const [rule] = rules({
      allow: { hosts: ['api.openai.com'], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/openai'] },
    });
    expect(rule && describeRule(rule)).toBe('allow api.openai.com GET /v1/** with prod/openai');
    const windows = [{ days: ['sat', 'sun'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' }];
    expect(describeRule({ deny: { hosts: ['a'], paths: [], methods: [], secrets: [], windows } })).toBe(
      'deny a on sat,sun 22:00-06:00 Europe/Berlin',
    );
  });
});
