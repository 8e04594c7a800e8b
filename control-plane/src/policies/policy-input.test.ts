import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { bodyOf, documentOf } from './policy-document.ts';
import { newPolicyInput } from './policy-input.ts';

const allow = { hosts: ['api.stripe.com'], paths: ['/v1/**'], methods: ['GET', 'POST'], secrets: ['prod/stripe'] };
const windows = [{ days: ['mon', 'fri'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' }];
const terms = { rateLimit: { requests: 100, perSeconds: 60, by: 'rule' }, maxConcurrent: 5, maxBodyBytes: 1e9 };
const good = {
  name: 'finance',
  agents: ['openclaw-finance', 'ci-*', { labels: { team: 'finance' } }],
  mode: 'monitor',
  rules: [
    { allow },
    { allow: { hosts: ['*.plaid.com:8443'], ...terms } },
    { allow: { hosts: ['pinned.example'], tunnel: true, maxConcurrent: 2 } },
    { allow: { hosts: ['grpc.example'], http2: true, plainHttp: true } },
    { deny: { hosts: ['api.openai.com'], windows } },
  ],
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
const withWindow = (fields: object) => withRule({ allow: { ...allow, windows: [{ ...windows[0], ...fields }] } });
const withRate = (fields: object) =>
  withRule({ allow: { ...allow, rateLimit: { requests: 1, perSeconds: 1, ...fields } } });
const withTunnel = (fields: object) => withRule({ allow: { hosts: ['a.example'], tunnel: true, ...fields } });
const withAllow = (fields: object) => withRule({ allow: { ...allow, ...fields } });

describe('newPolicyInput', () => {
  it('reads a policy as a person writes it, and gives back the same', () => {
    const { name, ...content } = parseInput(newPolicyInput, good);
    expect({ name, ...documentOf(bodyOf(content)) }).toEqual(good);
  });

  it('stores a deny rule without any grant', () => {
    expect(bodyOf(parseInput(newPolicyInput, good)).rules[4]).toEqual({
      effect: 'deny',
      hosts: ['api.openai.com'],
      paths: [],
      methods: [],
      secrets: [],
      windows,
    });
  });

  it('stores what says nothing as bodies were stored before there was anything to say', () => {
    const body = {
      name: 'p',
      agents: ['a'],
      mode: 'enforce',
      rules: [{ allow: { hosts: ['a.example'], windows: [], tunnel: false, http2: false } }],
    };
    expect(bodyOf(parseInput(newPolicyInput, body))).toEqual({
      agents: [{ kind: 'name', name: 'a' }],
      rules: [{ effect: 'allow', hosts: ['a.example'], paths: [], methods: [], secrets: [] }],
    });
  });

  it('counts each agent for itself unless it is told otherwise', () => {
    const allow = { hosts: ['a.example'], rateLimit: { requests: 1, perSeconds: 1 } };
    const { rules } = parseInput(newPolicyInput, { name: 'p', agents: [], rules: [{ allow }] });
    expect(rules[0]?.allow?.rateLimit?.by).toBe('agent');
  });

  it('shows a body that was stored before there were modes as one that is enforced', () => {
    expect(documentOf({ agents: [], rules: [] })).toEqual({ agents: [], mode: 'enforce', rules: [] });
  });

  it.each([
    ['no rules', { name: 'p', agents: [] }, 'rules'],
    ['no agents', { name: 'p', rules: [] }, 'agents'],
    ['a bad name', { ...good, name: 'Fin ance' }, 'name'],
    ['an unknown field', { ...good, enabled: true }, 'enabled'],
    ['a badly named agent', { ...good, agents: ['ok', 'Not OK'] }, 'agents[1]'],
    ['a glob of odd letters', { ...good, agents: ['CI-*'] }, 'agents[0]'],
    ['two stars', { ...good, agents: ['ci-**'] }, 'agents[0]'],
    ['another mode', { ...good, mode: 'off' }, 'mode'],
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
    ['a window without days', withWindow({ days: [] }), 'rules[1].allow.windows[0].days'],
    ['another day', withWindow({ days: ['mon', 'today'] }), 'rules[1].allow.windows[0].days[1]'],
    ['a time in words', withWindow({ from: 'nine' }), 'rules[1].allow.windows[0].from'],
    ['a time after midnight', withWindow({ to: '25:00' }), 'rules[1].allow.windows[0].to'],
    ['a window of no length', withWindow({ from: '06:00' }), 'rules[1].allow.windows[0].to'],
    ['a zone that is not known', withWindow({ zone: 'Europe/Berlyn' }), 'rules[1].allow.windows[0].zone'],
    ['a window without zone', withWindow({ zone: undefined }), 'rules[1].allow.windows[0].zone'],
    [
      'a window of a deny',
      withRule({ deny: { hosts: ['a.example'], windows: [{}] } }),
      'rules[1].deny.windows[0].days',
    ],
    ['a rate of nothing', withRate({ requests: 0 }), 'rules[1].allow.rateLimit.requests'],
    ['a rate in half seconds', withRate({ perSeconds: 0.5 }), 'rules[1].allow.rateLimit.perSeconds'],
    ['a rate over more than a day', withRate({ perSeconds: 86_401 }), 'rules[1].allow.rateLimit.perSeconds'],
    ['a rate by something else', withRate({ by: 'host' }), 'rules[1].allow.rateLimit.by'],
    ['a rate without a time', withRate({ perSeconds: undefined }), 'rules[1].allow.rateLimit.perSeconds'],
    ['no request at once', withAllow({ maxConcurrent: 0 }), 'rules[1].allow.maxConcurrent'],
    ['a size in words', withAllow({ maxBodyBytes: '10m' }), 'rules[1].allow.maxBodyBytes'],
    ['a tunnel in words', withAllow({ tunnel: 'yes' }), 'rules[1].allow.tunnel'],
    ['a tunnel with secrets', withTunnel({ secrets: ['prod/a'] }), 'rules[1].allow.secrets'],
    ['a tunnel for paths', withTunnel({ paths: ['/v1/**'] }), 'rules[1].allow.paths'],
    ['a tunnel for methods', withTunnel({ methods: ['GET'] }), 'rules[1].allow.methods'],
    ['a tunnel for small bodies', withTunnel({ maxBodyBytes: 1 }), 'rules[1].allow.maxBodyBytes'],
    ['a tunnel with HTTP/2', withTunnel({ http2: true }), 'rules[1].allow.http2'],
    [
      'a limit of a deny',
      withRule({ deny: { hosts: ['a.example'], maxConcurrent: 1 } }),
      'rules[1].deny.maxConcurrent',
    ],
    ['a deny rule that grants', withRule({ deny: allow }), 'rules[1].deny.secrets'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(refusal(input)).toMatchObject({ code: 'INVALID', field });
  });
});
