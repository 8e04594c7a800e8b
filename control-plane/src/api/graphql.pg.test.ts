import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

const written = 'object { name } change revision errors { code field message }';
const upsertSecret = `mutation($input: SecretInput!) { result: upsertSecret(input: $input) { object { name version binding { hosts surfaces } } change revision errors { code field message } } }`;
const run = async (query: string, variables?: object): Promise<unknown> =>
  (await api.graphql(query, variables)).data?.['result'];
const send = (body: unknown, headers?: Record<string, string>) => api.call('POST', '/graphql', body, headers);

describe('mutations', () => {
  it('create, update, read, list and delete a secret, whose value has no way out', async () => {
    const input = {
      name: 'prod/openai',
      value: 'sk-real',
      binding: { hosts: ['api.openai.com'], surfaces: ['HEADER'] },
    };
    expect(await run(upsertSecret, { input })).toEqual({
      object: { name: 'prod/openai', version: 1, binding: { hosts: ['api.openai.com'], surfaces: ['HEADER'] } },
      change: 'CREATED',
      revision: expect.any(Number),
      errors: [],
    });
    const update =
      'mutation($input: SecretInput!) { result: upsertSecret(input: $input) { object { version description binding { hosts } } change } }';
    const name = 'prod/openai';
    expect(await run(update, { input: { name, value: 'sk-2', description: 'd' } })).toMatchObject({
      object: { version: 2, description: 'd' },
      change: 'UPDATED',
    });
    for (const same of [{ description: 'd' }, { value: 'sk-2' }, { value: null }, {}])
      expect(await run(update, { input: { name, ...same } })).toMatchObject({ change: 'UNCHANGED' });
    expect(await run(update, { input: { name, binding: null } })).toMatchObject({
      object: { binding: null },
      change: 'UPDATED',
    });
    expect(
      await run('{ result: secret(name: "prod/openai") { version versions isDisabled fingerprint valueSetAt } }'),
    ).toMatchObject({ version: 2, versions: [1, 2], isDisabled: false });
    expect(await run('{ result: secret(name: "prod/none") { version } }')).toBeNull();
    expect(await run('{ result: secrets { nodes { name } pageInfo { hasNextPage endCursor } } }')).toEqual({
      nodes: [{ name: 'prod/openai' }],
      pageInfo: { hasNextPage: false, endCursor: 'prod/openai' },
    });
    const remove = 'mutation { result: deleteSecret(name: "prod/openai") { change } }';
    expect(await run(remove)).toEqual({ change: 'DELETED' });
    expect(await run(remove)).toEqual({ change: 'UNCHANGED' });
    expect((await api.graphql('{ secrets { nodes { value } } }')).errors?.[0]?.extensions['code']).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
  });

  it('create, relabel, rotate and delete an agent, and tell each token once', async () => {
    const created = await run(
      `mutation { result: upsertAgent(input: { name: "my-agent", labels: [{ key: "team", value: "ops" }] }) { object { name labels { key value } tokens { prefix } } token change } }`,
    );
    expect(created).toMatchObject({
      object: { labels: [{ key: 'team', value: 'ops' }] },
      token: expect.stringMatching(/^oat_/),
      change: 'CREATED',
    });
    expect(await run('mutation { result: rotateAgent(name: "my-agent") { token change } }')).toEqual({
      token: expect.stringMatching(/^oat_/),
      change: 'UPDATED',
    });
    const update = `mutation($input: AgentInput!) { result: upsertAgent(input: $input) { object { isDisabled labels { key } } change errors { code field } } }`;
    expect(await run(update, { input: { name: 'my-agent', isDisabled: true, labels: [] } })).toEqual({
      object: { isDisabled: true, labels: [] },
      change: 'UPDATED',
      errors: [],
    });
    const twice = {
      name: 'my-agent',
      labels: [
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
      ],
    };
    expect(await run(update, { input: twice })).toMatchObject({
      object: null,
      errors: [{ code: 'INVALID', field: 'labels' }],
    });
    expect(await run('{ result: agent(name: "my-agent") { name } }')).toEqual({ name: 'my-agent' });
    expect(await run('mutation { result: deleteAgent(name: "my-agent") { change } }')).toEqual({ change: 'DELETED' });
  });

  it('create, replace, read and delete a policy', async () => {
    await api.graphql(
      'mutation { upsertAgent(input: { name: "payer" }) { change } upsertSecret(input: { name: "prod/stripe", value: "x" }) { change } }',
    );
    const rules = [
      { allow: { hosts: ['api.stripe.com'], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/stripe'] } },
      { deny: { hosts: ['*.example.com'] } },
    ];
    const agents = [{ name: 'payer' }, { name: 'ci-*' }, { labels: [{ key: 'team', value: 'finance' }] }];
    const windows = [{ days: ['MON', 'FRI'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' }];
    const rateLimit = { requests: 10, perSeconds: 60, by: 'RULE' };
    const terms = { rateLimit, maxConcurrent: 5, maxBodyBytes: 5e9, http2: true };
    const shownRules =
      'allow { hosts paths methods secrets rateLimit { requests perSeconds by } maxConcurrent maxBodyBytes tunnel http2 plainHttp } deny { hosts paths methods windows { days from to zone } }';
    const fields = `object { name version agents { name labels { key value } } mode rules { ${shownRules} } } change errors { code field }`;
    expect(
      await run(`mutation($input: PolicyInput!) { result: upsertPolicy(input: $input) { ${fields} } }`, {
        input: {
          name: 'finance',
          agents,
          mode: 'MONITOR',
          rules: [{ allow: { ...rules[0]?.allow, ...terms } }, rules[1], { deny: { hosts: ['a.example'], windows } }],
        },
      }),
    ).toEqual({
      object: {
        name: 'finance',
        version: 1,
        agents: [
          { name: 'payer', labels: null },
          { name: 'ci-*', labels: null },
          { name: null, labels: [{ key: 'team', value: 'finance' }] },
        ],
        mode: 'MONITOR',
        rules: [
          { allow: { ...rules[0]?.allow, ...terms, tunnel: false, plainHttp: false }, deny: null },
          { allow: null, deny: { hosts: ['*.example.com'], paths: [], methods: [], windows: [] } },
          { allow: null, deny: { hosts: ['a.example'], paths: [], methods: [], windows } },
        ],
      },
      change: 'CREATED',
      errors: [],
    });
    const replace = `mutation($input: PolicyInput!) { result: upsertPolicy(input: $input) { ${fields} } }`;
    expect(await run(replace, { input: { name: 'finance', agents: [{}], rules } })).toMatchObject({
      object: null,
      errors: [{ code: 'INVALID', field: 'agents[0]' }],
    });
    expect(
      await run(replace, {
        input: { name: 'finance', agents, rules: [{ allow: rules[0]?.allow, deny: { hosts: ['a.example'] } }] },
      }),
    ).toMatchObject({ errors: [{ field: 'rules[0]' }] });
    const badly = { allow: { hosts: ['a.example'], windows: [{ ...windows[0], zone: 'Nowhere' }] } };
    expect(await run(replace, { input: { name: 'finance', agents, rules: [badly] } })).toMatchObject({
      errors: [{ code: 'INVALID', field: 'rules[0].allow.windows[0].zone' }],
    });
    expect(await run(replace, { input: { name: 'finance', mode: null, agents, rules: [] } })).toMatchObject({
      object: { version: 2, mode: 'ENFORCE', rules: [] },
      change: 'UPDATED',
    });
    expect(await run('{ result: policies { nodes { name } } }')).toEqual({ nodes: [{ name: 'finance' }] });
    expect(await run('mutation { result: deletePolicy(name: "finance") { change } }')).toEqual({ change: 'DELETED' });
  });

  it.each<[object, string, string]>([
    [{ name: 'Bad', value: 'canary' }, 'INVALID', 'name'],
    [{ name: 'prod/b', value: 'canary\r\n' }, 'INVALID', 'value'],
    [{ name: 'prod/b', value: '' }, 'INVALID', 'value'],
    [{ name: 'prod/b', value: 'canary', binding: { hosts: [] } }, 'INVALID', 'binding.hosts'],
    [{ name: 'prod/b', value: 'canary', binding: { hosts: ['*.com'] } }, 'INVALID', 'binding.hosts[0]'],
    [{ value: 'canary' }, 'INVALID', 'name'],
    [{ name: 'prod/none' }, 'INVALID', 'value'],
    [{ name: 'prod/b', value: 'canary', generate: {} }, 'INVALID', 'generate'],
  ])('tell what is wrong with %j in the payload', async (input, code, field) => {
    const { result } = (await api.graphql(upsertSecret, { input })).data as {
      result: { errors: { field: string | null }[] };
    };
    expect(result).toMatchObject({ object: null, change: null, revision: null, errors: [{ code }] });
    expect(result.errors[0]?.field ?? '').toBe(field);
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  it.each<[string, object]>([
    ['an unknown field', { name: 'prod/b', value: 'canary', vlaue: 'canary' }],
    ['a wrong type', { name: 'prod/b', value: ['canary'] }],
    [
      'a surface that is none',
      { name: 'prod/b', value: 'canary', binding: { hosts: ['a.example'], surfaces: ['canary'] } },
    ],
  ])('refuse %s and quote nothing of it', async (_what, input) => {
    const answer = await send({ query: upsertSecret, variables: { input } });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    expect(answer.text).not.toContain('canary');
  });

  it('refuse a literal of a wrong type, and text that is no GraphQL, and quote nothing of them', async () => {
    for (const query of [
      'mutation { upsertSecret(input: { name: "prod/b", value: 4444 }) { change } }',
      '{ secrets(after: canary4444) { nodes { name } } }',
      '{ "canary4444" }',
      '{ a(b: "canary4444',
    ]) {
      const answer = await send({ query });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain('4444');
    }
  });
});

describe('queries', () => {
  it('give pages, and refuse a limit outside 1-200', async () => {
    for (const letter of ['a', 'b', 'c'])
      await api.graphql(`mutation { upsertSecret(input: { name: "page/${letter}", value: "x" }) { ${written} } }`);
    const first = (await run(
      '{ result: secrets(first: 2) { nodes { name } edges { cursor } pageInfo { hasNextPage endCursor } } }',
    )) as {
      pageInfo: { endCursor: string };
    };
    const after = first.pageInfo.endCursor;
    expect(first).toEqual({
      nodes: [{ name: 'page/a' }, { name: 'page/b' }],
      edges: [{ cursor: expect.any(String) }, { cursor: after }],
      pageInfo: { hasNextPage: true, endCursor: after },
    });
    expect(
      await run('query($after: String) { result: secrets(first: 1, after: $after) { nodes { name } } }', { after }),
    ).toEqual({ nodes: [{ name: 'page/c' }] });
    for (const limit of [0, -1, 201]) {
      expect(
        (await api.graphql(`{ secrets(first: ${limit}) { nodes { name } } }`)).errors?.[0]?.extensions,
      ).toMatchObject({
        code: 'INVALID',
        field: 'first',
      });
    }
  });

  it('tell the revision and the workers', async () => {
    expect((await api.graphql('{ revision workers { nodes { name isLive } } }')).data).toEqual({
      revision: expect.any(Number),
      workers: { nodes: [] },
    });
  });
});
