import { buildSchema, coerceInputValue, isInputObjectType } from 'graphql';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from './parse-policy.ts';
import { policyDifferences } from './policy-differences.ts';
import { policyInputOf } from './policy-input.ts';
import { readPolicy } from './policy-yaml.ts';

const schemas = import.meta.glob<string>('../../../../control-plane/schema.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const inputType = buildSchema(Object.values(schemas).join('')).getType('PolicyInput');

/** What the API says of a text's policy before it looks at what it means. */
function refusals(text: string): string[] {
  const policy = parsePolicy(text);
  if (typeof policy === 'string') return [policy];
  const found: string[] = [];
  if (!isInputObjectType(inputType)) return ['no PolicyInput'];
  coerceInputValue(policyInputOf(policy), inputType, (path, _, { message }) =>
    found.push(`${path.join('.')} ${message}`),
  );
  return found;
}

const allowing = (more: object) => stringify({ name: 'a', rules: [{ allow: { hosts: ['a.example'], ...more } }] });

describe('a policy’s text', () => {
  it.each(['Monitor', 'MONITOR', 'monitor'])('has the mode %s for form, words and saving alike', (mode) => {
    const policy = parsePolicy(`name: a\nmode: ${mode}\n`);
    if (typeof policy === 'string') throw new Error(policy);
    expect(readPolicy(`name: a\nmode: ${mode}\n`)).toMatchObject({ mode: 'monitor' });
    expect(policyDifferences({}, policy)).toEqual([{ what: 'Mode', before: 'Enforce', after: 'Monitor' }]);
    expect(policyInputOf(policy)).toMatchObject({ mode: 'MONITOR' });
  });

  it('has limits, days and labels as they are saved', () => {
    const limited = { rateLimit: { requests: 5, perSeconds: 60, by: 'Rule' }, windows: [{ days: ['MON'] }] };
    const text = `${allowing(limited)}agents: [{ labels: { level: 2 } }]\n`;
    expect(parsePolicy(text)).toMatchObject({
      agents: [{ labels: { level: '2' } }],
      rules: [{ allow: { rateLimit: { by: 'rule' }, windows: [{ days: ['mon'] }] } }],
    });
  });

  it.each([
    ['rules[0].allow.secrets', allowing({ secrets: 'prod/aws' })],
    ['rules[0].allow.methods', allowing({ methods: 'GET' })],
    ['rules[0].allow.paths', allowing({ paths: null })],
    ['rules[0].allow.methods[1]', allowing({ methods: ['GET', ['POST']] })],
    ['rules[0].allow.windows', allowing({ windows: { days: ['mon'], from: '09:00' } })],
    ['rules[0].allow.windows', allowing({ windows: null })],
    ['rules[0].allow.windows[0]', allowing({ windows: ['always'] })],
    ['rules[0].allow.windows[0].days', allowing({ windows: [{ days: 'MON' }] })],
    ['rules[0].allow.rateLimit', allowing({ rateLimit: 5 })],
    ['rules[0].allow.rateLimit.by', allowing({ rateLimit: { by: 'everybody' } })],
    ['rules[0].allow.tunnel', allowing({ tunnel: null })],
    ['rules[0].allow', 'name: a\nrules: [{ allow: [a.example] }]'],
    ['rules[0]', 'name: a\nrules: [{ allow: { hosts: [] }, denies: {} }]'],
    ['rules', 'name: a\nrules: { allow: { hosts: [a.example] } }'],
    ['agents', "name: a\nagents: { name: '*' }"],
    ['agents[0]', "name: a\nagents: [{ name: '*' }]"],
    ['agents[0]', 'name: a\nagents: [{ labels: {} }]'],
    ['agents[0].labels.team', 'name: a\nagents: [{ labels: { team: [red] } }]'],
    ['mode', 'name: a\nmode: [monitor]'],
    ['mode', 'name: a\nmode: observe'],
  ])('is refused by form and saving, and names %s', (place, text) => {
    expect(parsePolicy(text)).toMatch(`${place}: expected `);
    expect(readPolicy(text)).toBe(parsePolicy(text));
  });

  it('is all sent on: what it has no word for here the API refuses', () => {
    expect(refusals(allowing({ secrets: ['a/b'], http2: true }))).toEqual([]);
    for (const text of [
      allowing({ window: [] }),
      'name: a\nowner: b',
      'name: a\ntoString: b',
      'name: a\nrules: [{ deny: { hosts: [], secrets: [] } }]',
    ])
      expect(refusals(text)).toEqual([expect.stringContaining('is not defined by type') as string]);
  });

  it('is no form where it has aliases, which an edit would not find', () => {
    const text = 'name: a\nrules: [{ allow: { hosts: &some [a.example] } }, { deny: { hosts: *some } }]';
    expect(parsePolicy(text)).toMatchObject({ rules: [{}, { deny: { hosts: ['a.example'] } }] });
    expect(readPolicy(text)).toContain('aliases');
  });
});
