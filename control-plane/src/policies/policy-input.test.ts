import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { bodyOf, documentOf } from './policy-document.ts';
import { newPolicyInput } from './policy-input.ts';

const allow = { hosts: ['api.stripe.com'], paths: ['/v1/**'], methods: ['GET', 'POST'], secrets: ['prod/stripe'] };
const good = {
  name: 'finance',
  agents: ['openclaw-finance', { labels: { team: 'finance' } }],
  rules: [{ allow }, { allow: { hosts: ['*.plaid.com:8443'] } }, { deny: { hosts: ['api.openai.com'] } }],
};

function refusal(input: unknown): Fault {
  try {
    parseInput(newPolicyInput, input);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const withRule = (rule: unknown) => ({ ...good, rules: [{ allow }, rule] });
const withAllow = (fields: object) => withRule({ allow: { ...allow, ...fields } });

describe('newPolicyInput', () => {
  it('reads a policy as a person writes it, and gives back the same', () => {
    const { name, ...content } = parseInput(newPolicyInput, good);
    expect({ name, ...documentOf(bodyOf(content)) }).toEqual(good);
  });

  it('stores a deny rule without any grant', () => {
    const { agents, rules } = parseInput(newPolicyInput, good);
    expect(bodyOf({ agents, rules }).rules[2]).toEqual({
      effect: 'deny',
      hosts: ['api.openai.com'],
      paths: [],
      methods: [],
      secrets: [],
    });
  });

  it.each([
    ['no rules', { name: 'p', agents: [] }, 'rules'],
    ['no agents', { name: 'p', rules: [] }, 'agents'],
    ['a bad name', { ...good, name: 'Fin ance' }, 'name'],
    ['an unknown field', { ...good, enabled: true }, 'enabled'],
    ['a badly named agent', { ...good, agents: ['ok', 'Not OK'] }, 'agents[1]'],
    ['an agent of another type', { ...good, agents: [7] }, 'agents[0]'],
    ['labels that pick nobody', { ...good, agents: [{ labels: {} }] }, 'agents[0].labels'],
    ['labels of another type', { ...good, agents: [{ labels: { team: 7 } }] }, 'agents[0].labels.team'],
    ['an unknown field beside labels', { ...good, agents: [{ labels: { a: 'b' }, name: 'x' }] }, 'agents[0].name'],
    ['a rule without effect', withRule({}), 'rules[1]'],
    ['a rule with both effects', withRule({ allow, deny: { hosts: ['a.example'] } }), 'rules[1]'],
    ['a rule with another effect', withRule({ permit: allow }), 'rules[1].permit'],
    ['a rule without hosts', withAllow({ hosts: undefined }), 'rules[1].allow.hosts'],
    ['a rule with no host', withAllow({ hosts: [] }), 'rules[1].allow.hosts'],
    ['a wildcard over a public suffix', withAllow({ hosts: ['*.co.uk'] }), 'rules[1].allow.hosts[0]'],
    ['a path without its slash', withAllow({ paths: ['/a', 'v1/**'] }), 'rules[1].allow.paths[1]'],
    ['a path with a query', withAllow({ paths: ['/a?b'] }), 'rules[1].allow.paths[0]'],
    ['a method in lower case', withAllow({ methods: ['get'] }), 'rules[1].allow.methods[0]'],
    ['a method with a space', withAllow({ methods: ['GET /'] }), 'rules[1].allow.methods[0]'],
    ['a badly named secret', withAllow({ secrets: ['stripe'] }), 'rules[1].allow.secrets[0]'],
    ['a deny rule that grants', withRule({ deny: allow }), 'rules[1].deny.secrets'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(refusal(input)).toMatchObject({ code: 'INVALID', field });
  });
});
