import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditStore } from '../audit/audit-store.ts';

let api: Served;
let alias: string;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  const bound = { hosts: ['api.example.com'], surfaces: ['header', 'basic'] };
  const secret = { name: 'prod/key', value: 'canary-value', binding: bound, alias: { prefix: 'sk-' } };
  alias = ((await api.call('POST', '/api/secrets', secret)).json as { alias: string }).alias;
  await api.call('POST', '/api/secrets', { name: 'prod/other', value: 'canary-other', binding: bound });
  await api.call('POST', '/api/agents', { name: 'sim', labels: { team: 'a' } });
  await api.call('POST', '/api/policies', {
    name: 'sim',
    agents: [{ labels: { team: 'a' } }],
    rules: [
      { allow: { hosts: ['api.example.com'], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/key'] } },
      { deny: { hosts: ['api.example.com'], paths: ['/v1/admin/**'] } },
      { allow: { hosts: ['other.example.com'], secrets: ['prod/key'] } },
    ],
  });
  await api.call('POST', '/api/policies', {
    name: 'not-his',
    agents: [],
    rules: [{ deny: { hosts: ['*.example.com'] } }],
  });
});
afterAll(() => api.stop());

const query = `query($agent: String!, $url: String!, $method: String! = "GET", $headers: [SimulatedHeaderInput!]! = []) {
  simulate(agent: $agent, url: $url, method: $method, headers: $headers) {
    decision reason rule granted trace { rule effect match decides secrets } headers { header outcome secrets } } }`;
const simulate = async (url: string, more: object = {}) =>
  (await api.graphql(query, { agent: 'sim', url, ...more })).data?.['simulate'];
const header = (value: string, name = 'authorization') => ({ headers: [{ name, value }] });

describe('simulate', () => {
  it('tells the decision, the rule that made it, and what every other rule has to say', async () => {
    expect(await simulate('https://api.example.com/v1/a')).toEqual({
      decision: 'ALLOW',
      reason: 'ALLOWED',
      rule: 'sim/rules/0',
      granted: ['prod/key'],
      trace: [
        { rule: 'sim/rules/0', effect: 'ALLOW', match: 'COVERS', decides: true, secrets: ['prod/key'] },
        { rule: 'sim/rules/1', effect: 'DENY', match: 'OTHER_PATH', decides: false, secrets: [] },
        { rule: 'sim/rules/2', effect: 'ALLOW', match: 'OTHER_HOST', decides: false, secrets: ['prod/key'] },
      ],
      headers: [],
    });
  });

  it.each<[string, string, object, object]>([
    [
      'a deny before an allow',
      'https://api.example.com/v1/admin/x',
      {},
      { reason: 'POLICY_DENIED', rule: 'sim/rules/1' },
    ],
    ['a deny in another case and escaped', 'https://API.example.com/v1/%41DMIN/x', {}, { rule: 'sim/rules/1' }],
    ['no rule', 'https://api.example.com/v2', {}, { reason: 'POLICY_DENIED', rule: null, granted: [] }],
    ['another method', 'https://api.example.com/v1/a', { method: 'POST' }, { rule: null }],
    [
      'a method by an override',
      'https://api.example.com/v1/a',
      header('DELETE', 'X-HTTP-Method-Override'),
      { rule: null },
    ],
    ['another port', 'https://api.example.com:8443/v1/a', {}, { rule: null }],
  ])('denies %s, as the proxy does', async (_what, url, more, expected) => {
    expect(await simulate(url, more)).toMatchObject({ decision: 'DENY', ...expected });
  });

  it.each<[string, () => object, string, object]>([
    [
      'a placeholder',
      () => header('Bearer onecli://prod/key'),
      'ALLOW',
      { outcome: 'REPLACED', secrets: ['prod/key@1'] },
    ],
    ['an alias', () => header(`Bearer ${alias}`), 'ALLOW', { outcome: 'REPLACED', secrets: ['prod/key@1'] }],
    [
      'Basic credentials',
      () => header(`Basic ${Buffer.from('u:onecli://prod/key').toString('base64')}`),
      'ALLOW',
      { outcome: 'REPLACED' },
    ],
    [
      'what is not granted',
      () => header('onecli://prod/other', 'x-key'),
      'DENY',
      { header: 'x-key', outcome: 'PLACEHOLDER_NOT_GRANTED' },
    ],
    ['what does not exist', () => header('onecli://prod/none'), 'DENY', { outcome: 'PLACEHOLDER_NOT_GRANTED' }],
    [
      'a version that is not there',
      () => header('onecli://prod/key@9'),
      'DENY',
      { outcome: 'PLACEHOLDER_NOT_GRANTED' },
    ],
    [
      'a surface that is not bound',
      () => header('a=onecli://prod/key', 'cookie'),
      'DENY',
      { outcome: 'PLACEHOLDER_NOT_BOUND' },
    ],
  ])('tells what becomes of %s in a header', async (_what, more, decision, outcome) => {
    expect(await simulate('https://api.example.com/v1/a', more())).toMatchObject({ decision, headers: [outcome] });
  });

  it('grants a secret where its rule says, and places it only where it is bound', async () => {
    expect(await simulate('https://other.example.com/', header('onecli://prod/key'))).toMatchObject({
      decision: 'DENY',
      reason: 'PLACEHOLDER_NOT_BOUND',
      granted: ['prod/key'],
    });
    expect(await simulate('http://api.example.com/v1/a', header('onecli://prod/key'))).toMatchObject({
      reason: 'PLACEHOLDER_NOT_BOUND',
    });
  });

  it('says of a URL that the proxy would not take what is wrong with it, and repeats no header', async () => {
    for (const url of ['nonsense', 'https://api.example.com/a/../b', 'https://u:canary4444@api.example.com/']) {
      const answer = await api.graphql(query, { agent: 'sim', url, ...header('canary4444 onecli://prod/key') });
      expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID', field: 'url' });
      expect(JSON.stringify(answer)).not.toContain('canary');
    }
    const answer = await api.graphql(query, { agent: 'none', url: 'https://api.example.com/' });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND', field: 'agent' });
    const fine = await api.graphql(query, {
      agent: 'sim',
      url: 'https://api.example.com/v1/a',
      ...header('canary4444 onecli://prod/key'),
    });
    expect(JSON.stringify(fine)).not.toContain('canary');
  });
});

describe('explain', () => {
  it('decides a past request again, and says when the configuration was changed since', async () => {
    const { revision } = (await api.graphql('{ revision }')).data as { revision: number };
    const event: AuditEvent = {
      id: 'w-boot-1',
      timeMs: 1_700_000_000_000,
      worker: 'w',
      revision,
      requestId: 'r',
      agentId: undefined,
      agent: 'sim',
      decision: 'deny',
      reason: 'POLICY_DENIED',
      rule: 'sim/rules/1',
      host: 'api.example.com',
      port: 443,
      method: 'GET',
      path: '/v1/admin/x',
      status: 403,
      latencyMs: 1,
      requestBytes: 0,
      responseBytes: 0,
      secrets: [],
      findings: [],
    };
    await new AuditStore(api.database, api.keys.keyring).insert([event]);
    const list = await api.graphql('{ auditEvents { edges { cursor } } }');
    const { cursor } = (list.data as { auditEvents: { edges: { cursor: string }[] } }).auditEvents.edges[0] ?? {};
    const explain = async () =>
      (
        await api.graphql(
          'query($c: String!) { explain(auditEvent: $c) { event { rule } now { decision rule trace { rule match } } problem hasChanged } }',
          { c: cursor },
        )
      ).data?.['explain'];
    expect(await explain()).toMatchObject({
      event: { rule: 'sim/rules/1' },
      now: { decision: 'DENY', rule: 'sim/rules/1' },
      problem: null,
      hasChanged: false,
    });
    await api.call('PUT', '/api/policies/sim', {
      agents: ['sim'],
      rules: [{ allow: { hosts: ['api.example.com'] } }],
    });
    expect(await explain()).toMatchObject({ now: { decision: 'ALLOW', rule: 'sim/rules/0' }, hasChanged: true });
    await api.call('DELETE', '/api/agents/sim');
    expect(await explain()).toMatchObject({ now: null, problem: 'The agent is not there any more', hasChanged: true });
  });
});
