import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, fromPage, makeKey, makeUser, passwordOf, signIn } from '../auth/testing/people.ts';

let api: Served;
let count = 0;
const event = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  id: `w-boot-${++count}`,
  timeMs: Date.now() - 6e4 + count,
  worker: 'w',
  revision: 1,
  requestId: 'r',
  agentId: undefined,
  agent: 'bot',
  decision: 'allow',
  reason: 'ALLOWED',
  rule: undefined,
  host: 'api.example',
  port: 443,
  method: 'GET',
  path: '/v1/a',
  status: 200,
  latencyMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  secrets: ['prod/k@1'],
  findings: [],
  ...more,
});
const times = (length: number, more: Partial<AuditEvent>) => Array.from({ length }, () => event(more));
const allow = (more: object = {}) => ({
  allow: { hosts: ['api.example'], paths: ['/v1/**'], secrets: ['prod/k'], ...more },
});

beforeAll(async () => {
  api = await serve(await freshDatabase());
  for (const name of ['prod/k', 'prod/other']) await api.call('POST', '/api/secrets', { name, value: 'x' });
  await api.call('POST', '/api/agents', { name: 'bot', labels: { team: 'a' } });
  await api.call('POST', '/api/agents', { name: 'other' });
  await api.call('POST', '/api/policies', { name: 'p', agents: [{ labels: { team: 'a' } }], rules: [allow()] });
  await api.call('POST', '/api/policies', { name: 'of-other', agents: ['other'], rules: [allow()] });
  await new AuditStore(api.database, api.keys.keyring).insert([
    ...times(6, { path: '/v1/a' }),
    ...times(3, { path: '/v1/b', method: 'POST', secrets: [] }),
    ...times(2, { path: '/v2/c', decision: 'deny', reason: 'POLICY_DENIED', secrets: [] }),
    ...times(4, { agent: 'other' }),
    ...times(1, { agent: 'gone' }),
    ...times(1, { agent: undefined }),
    ...times(5, { path: '/v1/old', timeMs: Date.now() - 30 * 3_600_000 }),
  ]);
});
afterAll(() => api?.stop());

const query = `query($input: PolicyInput, $remove: String, $hours: Int! = 24) {
  result: policyImpact(input: $input, remove: $remove, hours: $hours) { examined isComplete changed
    changes { agent host port method path before { outcome rule } after { outcome rule } requests last } } }`;
const run = async (variables: object) => (await api.graphql(query, variables)).data?.['result'];
const draft = (rules: object[], more: object = {}) => run({ input: { name: 'p', rules, ...more } });
const what = { agent: 'bot', host: 'api.example', port: 443, last: expect.any(String) as string };

describe('what a policy would do to the requests of the last day', () => {
  it('is nothing when nothing is changed', async () => {
    expect(await draft([allow()])).toEqual({ examined: 17, isComplete: true, changed: 0, changes: [] });
  });

  it('tells what would be denied, and what would be let through, those with the most requests first', async () => {
    expect(await draft([allow({ paths: ['/v1/b', '/v2/**'] })])).toEqual({
      examined: 17,
      isComplete: true,
      changed: 8,
      changes: [
        {
          ...what,
          method: 'GET',
          path: '/v1/a',
          requests: 6,
          before: {
            outcome: 'ALLOWED',
            rule: 'p/rules/0',
          },
          after: {
            outcome: 'POLICY_DENIED',
            rule: null,
          },
        },
        {
          ...what,
          method: 'GET',
          path: '/v2/c',
          requests: 2,
          before: {
            outcome: 'POLICY_DENIED',
            rule: null,
          },
          after: {
            outcome: 'ALLOWED',
            rule: 'p/rules/0',
          },
        },
      ],
    });
  });

  it('tells what would lose the secret that it used, what would be monitored, and what a deny would take', async () => {
    expect(await draft([allow({ secrets: ['prod/other'] })])).toMatchObject({
      changed: 6,
      changes: [{ path: '/v1/a', after: { outcome: 'PLACEHOLDER_NOT_GRANTED', rule: 'p/rules/0' } }],
    });
    expect(await draft([], { mode: 'MONITOR' })).toMatchObject({ changed: expect.any(Number) as number });
    expect(await draft([allow(), { deny: { hosts: ['api.example'], methods: ['POST'] } }])).toMatchObject({
      changes: [{ path: '/v1/b', requests: 3, after: { outcome: 'POLICY_DENIED', rule: 'p/rules/1' } }],
    });
  });

  it('tells what a new policy would do beside those that there are, and what a removal would', async () => {
    const rules = [{ deny: { hosts: ['api.example'] } }];
    expect(await run({ input: { name: 'new', agents: [{ name: '*' }], rules } })).toMatchObject({ changed: 13 });
    expect(await run({ remove: 'of-other' })).toMatchObject({
      changed: 4,
      changes: [{ agent: 'other', after: { outcome: 'POLICY_DENIED' } }],
    });
    expect(await run({ remove: 'p', hours: 1 })).toMatchObject({ changed: 9 });
  });

  it('is looked for once at a time for one who asks, and the others are told to wait', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => api.graphql(query, { remove: 'of-other', hours: 24 })),
    );
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions?.['code']);
    expect(codes.filter((code) => code === undefined).length).toBeGreaterThan(0);
    expect(codes.filter((code) => code === 'OVERLOADED').length).toBeGreaterThan(0);
    expect(await run({ remove: 'of-other' })).toMatchObject({ changed: 4 });
  });

  it('writes nothing', async () => {
    const state = () =>
      api.database.query('SELECT (SELECT revision FROM config_state), (SELECT json_agg(p.*) FROM policy p)');
    const before = await state();
    await draft([]);
    await run({ remove: 'p' });
    expect(await state()).toEqual(before);
  });

  it.each([
    [{}, 'INVALID', 'input'],
    [{ input: { name: 'p', rules: [] }, remove: 'p' }, 'INVALID', 'input'],
    [{ remove: 'none' }, 'NOT_FOUND', 'remove'],
    [{ remove: 'p', hours: 25 }, 'INVALID', 'hours'],
    [{ input: { name: 'p', rules: [{ allow: { hosts: ['*.com'] } }] } }, 'INVALID', 'rules[0].allow.hosts[0]'],
  ])('refuses %j', async (variables, code, field) => {
    expect((await api.graphql(query, variables)).errors?.[0]?.extensions).toMatchObject({ code, field });
  });

  it('is told to nobody who may read but a part of it', async () => {
    await makeUser(api, 'part', [{ role: 'auditor', environments: ['prod'] }]);
    await makeUser(api, 'manager', everywhere('agent-manager'));
    for (const name of ['part', 'manager']) {
      const body = { user: name, password: passwordOf(name), token: true };
      const { token } = (await callAs(api, {}, 'POST', '/api/login', body)).json as { token: string };
      const headers = { authorization: `Bearer ${token}` };
      const answer = await callAs(api, headers, 'POST', '/graphql', { query, variables: { remove: 'p' } });
      expect(answer.json).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
      expect(answer.text).not.toContain('api.example');
    }
  });

  it('asks for each of what it tells of', async () => {
    await makeUser(api, 'ada', everywhere('admin'));
    const admin = fromPage(api, await signIn(api, 'ada'));
    const actions = ['audit:read', 'policy:read', 'agent:read'];
    const ask = async (name: string, given: readonly string[]) => {
      const key = await makeKey(api, admin, { name, actions: given });
      return (await callAs(api, key, 'POST', '/graphql', { query, variables: { remove: 'p' } })).json;
    };
    expect(await ask('all', actions)).toMatchObject({ data: { result: { isComplete: true } } });
    for (const [at, left] of actions.entries())
      expect({ left, ...((await ask(`key-${at}`, actions.toSpliced(at, 1))) as object) }).toMatchObject({
        left,
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
  });
});
