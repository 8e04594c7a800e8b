import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiAnswer, callApi } from '../support/call-api.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';

let onecli: Onecli;
beforeAll(async () => {
  onecli = await startOnecli();
});
afterAll(() => onecli?.stop());

const secretValue = 'sk-api-test-4f1e9a27c3';
const secret = {
  name: 'prod/openai',
  value: secretValue,
  description: 'the key',
  binding: { hosts: ['api.openai.com'], surfaces: ['header'] },
};
const agent = { name: 'my-agent', labels: { team: 'finance' }, identities: [{ token: {} }] };
const policy = {
  name: 'finance',
  agents: ['my-agent', { labels: { team: 'finance' } }],
  rules: [
    { allow: { hosts: ['api.openai.com'], paths: ['/v1/**'], methods: ['GET', 'POST'], secrets: ['prod/openai'] } },
    { deny: { hosts: ['*.example.com'] } },
  ],
};

function expectError(answer: ApiAnswer, status: number, code?: string): void {
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
  const { error } = answer.json as { error: Record<string, unknown> };
  expect(error).toMatchObject({
    code: code ?? expect.any(String),
    message: expect.any(String),
    hint: expect.any(String),
  });
  expect(answer.text).not.toContain(secretValue);
  expect(answer.text).not.toMatch(/\bat \S+:\d+:\d+|SELECT |INSERT |typeorm|node_modules/i);
}

async function names(kind: string): Promise<string[]> {
  const { items } = await onecli.must<{ items: { name: string }[] }>('GET', `/api/${kind}`);
  return items.map((item) => item.name).sort();
}

describe('secrets', () => {
  it('POST creates version 1 and gives everything but the value', async () => {
    const answer = await onecli.api('POST', '/api/secrets', secret);
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      name: 'prod/openai',
      version: 1,
      description: 'the key',
      binding: secret.binding,
    });
    expect(answer.text).not.toContain(secretValue);
  });

  it('a taken name is 409 and changes nothing', async () => {
    expectError(await onecli.api('POST', '/api/secrets', { ...secret, description: 'other' }), 409, 'NAME_TAKEN');
    expect((await onecli.api('GET', '/api/secrets')).text).not.toContain('other');
  });

  it('PUT with a value makes a new version, with other fields changes them in place', async () => {
    expect(await onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value: `${secretValue}-2` })).toMatchObject({
      version: 2,
    });
    const changed = await onecli.must('PUT', '/api/secrets/prod%2Fopenai', { description: 'changed' });
    expect(changed).toMatchObject({ version: 2, description: 'changed', binding: secret.binding });
  });

  it('PUT for a name that is not there is 404', async () => {
    expectError(await onecli.api('PUT', '/api/secrets/prod%2Fabsent', { value: 'x' }), 404, 'NOT_FOUND');
  });

  it('the list has no value in it, and pages', async () => {
    await onecli.must('POST', '/api/secrets', { ...secret, name: 'prod/second' });
    const first = await onecli.must<{ items: unknown[]; next: string | null }>('GET', '/api/secrets?limit=1');
    expect(first.items).toHaveLength(1);
    expect(first.next).toEqual(expect.any(String));
    const second = await onecli.must<{ items: unknown[] }>(
      'GET',
      `/api/secrets?limit=1&after=${encodeURIComponent(first.next ?? '')}`,
    );
    expect(second.items).toHaveLength(1);
    expect(JSON.stringify([first, second])).not.toContain(secretValue);
  });

  it('DELETE is 204, for an absent one too', async () => {
    expect((await onecli.api('DELETE', '/api/secrets/prod%2Fsecond')).status).toBe(204);
    expect((await onecli.api('DELETE', '/api/secrets/prod%2Fsecond')).status).toBe(204);
    expect(await names('secrets')).toEqual(['prod/openai']);
  });

  it.each([
    ['a name without an environment', { name: 'openai' }],
    ['a name in upper case', { name: 'Prod/openai' }],
    ['a name with a dot segment', { name: '../openai' }],
    ['a name that is no text', { name: 5 }],
    ['no name', { name: undefined }],
    ['no value', { value: undefined }],
    ['an empty value', { value: '' }],
    ['a value that is no text', { value: { a: 1 } }],
    ['CR in the value', { value: 'a\rb' }],
    ['LF in the value', { value: 'a\nb' }],
    ['NUL in the value', { value: 'a\0b' }],
    ['an unknown field', { colour: 'red' }],
    ['an unknown field of the binding', { binding: { ...secret.binding, paths: [] } }],
    ['a binding without a host', { binding: { hosts: [], surfaces: ['header'] } }],
    ['a public suffix', { binding: { hosts: ['*.com'], surfaces: ['header'] } }],
    ['a public suffix of two parts', { binding: { hosts: ['*.co.uk'], surfaces: ['header'] } }],
    ['every host', { binding: { hosts: ['*'], surfaces: ['header'] } }],
    ['a URL for a host', { binding: { hosts: ['https://api.openai.com/'], surfaces: ['header'] } }],
    ['a wildcard in the middle', { binding: { hosts: ['api.*.com'], surfaces: ['header'] } }],
    ['an unknown surface', { binding: { hosts: ['api.openai.com'], surfaces: ['body'] } }],
    ['no surface', { binding: { hosts: ['api.openai.com'], surfaces: [] } }],
    ['a binding that is no object', { binding: 'api.openai.com' }],
  ])('%s is 400 that names the field, and nothing is written', async (_what, fault) => {
    const before = await onecli.must('GET', '/api/secrets');
    const body = { ...secret, name: 'prod/refused', ...fault };
    const answer = await onecli.api('POST', '/api/secrets', body);
    expectError(answer, 400);
    expect(answer.text.toLowerCase()).toContain(Object.keys(fault)[0]);
    expect(await onecli.must('GET', '/api/secrets')).toEqual(before);
  });
});

describe('agents', () => {
  it('POST creates one and gives its token this once', async () => {
    const answer = await onecli.api('POST', '/api/agents', agent);
    expect(answer.status).toBe(201);
    const { token, ...rest } = answer.json as Record<string, unknown>;
    expect(token).toMatch(/^\S{20,}$/);
    expect(rest).toMatchObject({ name: 'my-agent', labels: { team: 'finance' } });
    expect((await onecli.api('GET', '/api/agents')).text).not.toContain(String(token));
  });

  it('rotate gives another token', async () => {
    const { token } = await onecli.must<{ token: string }>('POST', '/api/agents/my-agent/rotate');
    expect(token).toMatch(/^\S{20,}$/);
    expectError(await onecli.api('POST', '/api/agents/absent/rotate'), 404, 'NOT_FOUND');
  });

  it.each([
    ['a taken name', { name: 'my-agent' }, 409],
    ['a bad name', { name: 'My Agent' }, 400],
    ['an unknown field', { admin: true }, 400],
    ['labels that are no texts', { labels: { a: 1 } }, 400],
    ['an unknown kind of identity', { identities: [{ password: {} }] }, 400],
    ['identities that are no list', { identities: {} }, 400],
  ])('%s is refused and nothing is written', async (_what, fault, status) => {
    const before = await onecli.must('GET', '/api/agents');
    expectError(await onecli.api('POST', '/api/agents', { ...agent, name: 'refused', ...fault }), status);
    expect(await onecli.must('GET', '/api/agents')).toEqual(before);
  });
});

describe('policies', () => {
  it('POST creates, PUT replaces, GET lists in the form that was written', async () => {
    expect((await onecli.api('POST', '/api/policies', policy)).status).toBe(201);
    const { items } = await onecli.must<{ items: unknown[] }>('GET', '/api/policies');
    expect(items).toEqual([expect.objectContaining(policy)]);
    const rules = [{ allow: { hosts: ['api.openai.com'] } }];
    const replaced = await onecli.must('PUT', '/api/policies/finance', { agents: ['my-agent'], rules });
    expect(replaced).toMatchObject({ name: 'finance', agents: ['my-agent'] });
    expect((await onecli.api('GET', '/api/policies')).text).not.toContain('example.com');
  });

  it.each([
    ['a taken name', { name: 'finance' }, 409],
    [
      'a rule that allows and denies',
      { rules: [{ allow: { hosts: ['a.example'] }, deny: { hosts: ['a.example'] } }] },
      400,
    ],
    ['a rule that does neither', { rules: [{}] }, 400],
    ['a rule without a host', { rules: [{ allow: { paths: ['/'] } }] }, 400],
    ['a deny rule that grants', { rules: [{ deny: { hosts: ['a.example'], secrets: ['prod/openai'] } }] }, 400],
    ['a path that is no path', { rules: [{ allow: { hosts: ['a.example'], paths: ['v1'] } }] }, 400],
    ['a method that is none', { rules: [{ allow: { hosts: ['a.example'], methods: ['G ET'] } }] }, 400],
    ['a public suffix', { rules: [{ allow: { hosts: ['*.com'] } }] }, 400],
    ['an unknown field', { monitor: true }, 400],
    ['agents that are no list', { agents: 'my-agent' }, 400],
    ['rules that are no list', { rules: {} }, 400],
  ])('%s is refused and nothing is written', async (_what, fault, status) => {
    const before = await onecli.must('GET', '/api/policies');
    expectError(await onecli.api('POST', '/api/policies', { ...policy, name: 'refused', ...fault }), status);
    expect(await onecli.must('GET', '/api/policies')).toEqual(before);
  });

  it('DELETE is 204, for an absent one too, and of agents likewise', async () => {
    for (const path of [
      '/api/policies/finance',
      '/api/policies/finance',
      '/api/agents/my-agent',
      '/api/agents/my-agent',
    ]) {
      expect((await onecli.api('DELETE', path)).status).toBe(204);
    }
    expect([...(await names('policies')), ...(await names('agents'))]).toEqual([]);
  });
});

describe('every route', () => {
  const routes = ['/api/secrets', '/api/agents', '/api/policies', '/api/audit', '/api/workers'];

  it('wants a login, and says the same to a wrong password and an unknown user', async () => {
    const basic = (user: string, password: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    });
    for (const route of routes) expectError(await callApi(onecli.apiUrl, 'GET', route), 401, 'UNAUTHENTICATED');
    const wrong = await callApi(onecli.apiUrl, 'GET', '/api/secrets', undefined, basic('admin', 'wrong'));
    const unknown = await callApi(onecli.apiUrl, 'GET', '/api/secrets', undefined, basic('nobody', 'wrong'));
    expectError(wrong, 401);
    const bare = (answer: ApiAnswer): string => answer.text.replace(/"requestId":"[^"]*"/, '');
    expect(bare(unknown)).toBe(bare(wrong));
  });

  it('a body over 1 MB is 413', async () => {
    const answer = await onecli.api('POST', '/api/secrets', {
      ...secret,
      name: 'prod/large',
      value: 'x'.repeat(1_100_000),
    });
    expectError(answer, 413, 'TOO_LARGE');
  });

  it.each([
    ['broken JSON', '{"name":', 400],
    ['a list for an object', '[]', 400],
    ['null', 'null', 400],
    ['no body', '', 400],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400],
  ])('%s is refused', async (_what, body, status) => {
    for (const path of ['/api/secrets', '/api/agents', '/api/policies'])
      expectError(await onecli.api('POST', path, body), status);
  });

  it('a body that is not declared as JSON is not read', async () => {
    const answer = await onecli.api('POST', '/api/secrets', 'name=prod/form', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([400, 415]).toContain(answer.status);
  });

  it('an unknown path is 404, an unknown method 404 or 405', async () => {
    expectError(await onecli.api('GET', '/api/nothing'), 404);
    expect((await onecli.api('PATCH', '/api/secrets', {})).status).toBe(405);
  });

  it.each(['limit=0', 'limit=-1', 'limit=x', 'limit=100000', 'after=garbage', 'since=yesterday', 'decision=maybe'])(
    'GET /api/audit?%s is 400',
    async (query) => expectError(await onecli.api('GET', `/api/audit?${query}`), 400),
  );

  it('GET /api/audit has items and a cursor', async () => {
    expect(await onecli.must('GET', '/api/audit')).toMatchObject({ items: [] });
  });

  it('workers tell the revision that they applied', async () => {
    const { items } = await onecli.must<{ items: Record<string, unknown>[] }>('GET', '/api/workers');
    expect(items).toHaveLength(1);
  });

  it('health and the authority need no login', async () => {
    for (const path of ['/health', '/livez', '/readyz'])
      expect((await callApi(onecli.apiUrl, 'GET', path)).status).toBe(200);
    expect((await callApi(onecli.apiUrl, 'GET', '/ca.pem')).text).toContain('BEGIN CERTIFICATE');
    expect(await onecli.caPem()).toBe((await callApi(onecli.proxyUrl, 'GET', '/ca.pem')).text);
  });
});
