import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

const json = async (method: string, path: string, body?: unknown) => {
  const answer = await api.call(method, path, body);
  return { status: answer.status, body: answer.text === '' ? undefined : (answer.json as Record<string, unknown>) };
};
const secretPath = (name: string): string => `/api/secrets/${encodeURIComponent(name)}`;
const revision = async (): Promise<unknown> =>
  ((await api.call('GET', '/health')).json as { revision: number }).revision;

describe('/api/secrets', () => {
  it('makes a secret with the body of the README, and never gives the value back', async () => {
    const { status, body } = await json('POST', '/api/secrets', {
      name: 'prod/openai',
      value: 'sk-real-1',
      description: 'for the tests',
      binding: { hosts: ['api.openai.com'], surfaces: ['header'] },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: 'prod/openai',
      version: 1,
      description: 'for the tests',
      binding: { hosts: ['api.openai.com'], surfaces: ['header'] },
      disabled: false,
      revision: expect.any(Number),
    });
    expect(JSON.stringify(body)).not.toContain('sk-real-1');
    expect(await json('GET', secretPath('prod/openai'))).toMatchObject({
      status: 200,
      body: { name: 'prod/openai', version: 1 },
    });
  });

  it('makes a new version for a value, and changes other fields in place', async () => {
    expect((await json('PUT', secretPath('prod/openai'), { value: 'sk-real-2' })).body).toMatchObject({
      version: 2,
      versions: [1, 2],
    });
    const changed = await json('PUT', secretPath('prod/openai'), { description: 'other', disabled: true });
    expect(changed).toMatchObject({ status: 200, body: { version: 2, description: 'other', disabled: true } });
  });

  it('answers 404 for a secret that is not there, to GET and to PUT', async () => {
    for (const [method, body] of [['GET'], ['PUT', { value: 'x' }]] as const) {
      expect(await json(method, secretPath('prod/none'), body)).toMatchObject({
        status: 404,
        body: { error: { code: 'NOT_FOUND' } },
      });
    }
  });

  it('answers 409 to a name that is taken', async () => {
    const taken = await json('POST', '/api/secrets', { name: 'prod/openai', value: 'x' });
    expect(taken).toMatchObject({ status: 409, body: { error: { code: 'NAME_TAKEN' } } });
  });

  it('answers 204 to a removal, of what is absent too', async () => {
    await json('POST', '/api/secrets', { name: 'prod/gone', value: 'x' });
    for (let i = 0; i < 2; i++)
      expect(await json('DELETE', secretPath('prod/gone'))).toEqual({ status: 204, body: undefined });
    expect((await json('GET', secretPath('prod/gone'))).status).toBe(404);
  });

  const good = { name: 'prod/bad', value: 'sk-canary', binding: { hosts: ['api.example.com'] } };
  it.each<[string, unknown, string]>([
    ['an unknown field', { ...good, vlaue: 1 }, 'vlaue'],
    ['an unknown field of the binding', { ...good, binding: { hosts: ['a.example'], host: 1 } }, 'binding.host'],
    ['a value that is no text', { ...good, value: 5 }, 'value'],
    ['no value', { name: 'prod/bad' }, 'value'],
    ['an empty value', { ...good, value: '' }, 'value'],
    ['CR in a value', { ...good, value: 'sk\rcanary' }, 'value'],
    ['LF in a value', { ...good, value: 'sk-canary\n' }, 'value'],
    ['NUL in a value', { ...good, value: 'sk\0canary' }, 'value'],
    ['a value over 64 KB', { ...good, value: 'x'.repeat(65_537) }, 'value'],
    ['a name without an environment', { ...good, name: 'openai' }, 'name'],
    ['a name in upper case', { ...good, name: 'prod/OpenAI' }, 'name'],
    ['a name that climbs', { ...good, name: 'prod/../x' }, 'name'],
    ['a name that is no text', { ...good, name: ['prod/x'] }, 'name'],
    ['a binding without a host', { ...good, binding: { hosts: [] } }, 'binding.hosts'],
    ['a binding without hosts', { ...good, binding: { surfaces: ['header'] } }, 'binding.hosts'],
    ['a public suffix', { ...good, binding: { hosts: ['*.com'] } }, 'binding.hosts[0]'],
    ['a public suffix of two labels', { ...good, binding: { hosts: ['a.example', '*.co.uk'] } }, 'binding.hosts[1]'],
    ['everything', { ...good, binding: { hosts: ['*'] } }, 'binding.hosts[0]'],
    [
      'an unknown surface',
      { ...good, binding: { hosts: ['a.example'], surfaces: ['trailer'] } },
      'binding.surfaces[0]',
    ],
    ['a description that is no text', { ...good, description: {} }, 'description'],
  ])('refuses %s with 400 and the field, and writes nothing', async (_what, body, field) => {
    const before = await revision();
    const answer = await json('POST', '/api/secrets', body);
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID', field, hint: expect.any(String) } },
    });
    expect(JSON.stringify(answer.body)).not.toContain('canary');
    expect(await revision()).toBe(before);
    expect((await json('GET', secretPath('prod/bad'))).status).toBe(404);
  });

  it('refuses `isDisabled`, which is no field here, and a `disabled` that is no boolean', async () => {
    expect(await json('PUT', secretPath('prod/openai'), { isDisabled: true })).toMatchObject({
      status: 400,
      body: { error: { field: 'isDisabled' } },
    });
    expect(await json('PUT', secretPath('prod/openai'), { disabled: 'yes' })).toMatchObject({
      status: 400,
      body: { error: { field: 'disabled' } },
    });
  });

  it('gives lists in pages that neither skip nor repeat', async () => {
    for (const letter of ['a', 'b', 'c', 'd'])
      await json('POST', '/api/secrets', { name: `page/${letter}`, value: 'x' });
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const query: string = after === null ? '?limit=2' : `?limit=2&after=${encodeURIComponent(after)}`;
      const page = (await api.call('GET', `/api/secrets${query}`)).json as {
        items: { name: string }[];
        next: string | null;
      };
      seen.push(...page.items.map((item) => item.name));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual(['page/a', 'page/b', 'page/c', 'page/d', 'prod/openai']);
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'limit=1&limit=2', 'after=', 'page=2'])(
    'refuses the query %s',
    async (query) => {
      expect(await json('GET', `/api/secrets?${query}`)).toMatchObject({
        status: 400,
        body: { error: { code: 'INVALID' } },
      });
    },
  );
});

describe('/api/agents', () => {
  it('makes an agent with the body of the README; the token is told once', async () => {
    const made = await json('POST', '/api/agents', {
      name: 'my-agent',
      labels: { team: 'finance' },
      identities: [{ token: {} }],
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'my-agent',
        labels: { team: 'finance' },
        disabled: false,
        token: expect.stringMatching(/^oat_[\w-]{43}$/),
      },
    });
    const read = await json('GET', '/api/agents/my-agent');
    expect(read.body).not.toHaveProperty('token');
    expect(JSON.stringify(read.body)).not.toContain(made.body?.['token']);
  });

  it('rotates, disables, enables, relabels and removes', async () => {
    const { body } = await json('POST', '/api/agents/my-agent/rotate');
    expect(body).toEqual({ token: expect.stringMatching(/^oat_/), revision: expect.any(Number) });
    expect((await json('POST', '/api/agents/my-agent/disable')).body).toMatchObject({ disabled: true });
    expect((await json('POST', '/api/agents/my-agent/enable', {})).body).toMatchObject({ disabled: false });
    expect((await json('PUT', '/api/agents/my-agent', { labels: { team: 'ops' }, disabled: true })).body).toMatchObject(
      { labels: { team: 'ops' }, disabled: true },
    );
    expect((await json('GET', '/api/agents')).body).toMatchObject({ items: [{ name: 'my-agent' }], next: null });
    for (let i = 0; i < 2; i++) expect((await json('DELETE', '/api/agents/my-agent')).status).toBe(204);
    for (const action of ['rotate', 'disable', 'enable'])
      expect((await json('POST', `/api/agents/my-agent/${action}`)).status).toBe(404);
  });

  it.each<[string, unknown, string]>([
    ['a bad name', { name: 'My Agent' }, 'name'],
    ['an unknown field', { name: 'a', token: 'x' }, 'token'],
    ['labels that are no texts', { name: 'a', labels: { team: 1 } }, 'labels.team'],
    ['an unknown identity', { name: 'a', identities: [{ header: {} }] }, 'identities[0].header'],
    ['no identity', { name: 'a', identities: [] }, 'identities'],
  ])('refuses %s', async (_what, body, field) => {
    const answer = await json('POST', '/api/agents', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: { code: 'INVALID', field: expect.stringContaining(field.split(/[.[]/)[0] ?? '') },
    });
  });
});

describe('/api/policies', () => {
  beforeAll(async () => {
    await json('POST', '/api/agents', { name: 'payer' });
    await json('POST', '/api/secrets', { name: 'prod/stripe', value: 'x' });
  });
  const document = {
    name: 'finance',
    agents: ['payer', { labels: { team: 'finance' } }],
    rules: [
      { allow: { hosts: ['api.stripe.com'], paths: ['/v1/**'], methods: ['GET', 'POST'], secrets: ['prod/stripe'] } },
      { deny: { hosts: ['api.openai.com'] } },
    ],
  };

  it('makes, gives, replaces and removes a policy in the form in which it is written', async () => {
    expect(await json('POST', '/api/policies', document)).toMatchObject({
      status: 201,
      body: { ...document, version: 1 },
    });
    expect(await json('GET', '/api/policies/finance')).toMatchObject({ status: 200, body: document });
    const other = { agents: ['payer'], rules: [{ allow: { hosts: ['api.plaid.com'] } }] };
    expect(await json('PUT', '/api/policies/finance', other)).toMatchObject({
      status: 200,
      body: { name: 'finance', version: 2, ...other },
    });
    expect((await json('GET', '/api/policies')).body).toMatchObject({ items: [{ name: 'finance' }], next: null });
    expect((await json('PUT', '/api/policies/none', other)).status).toBe(404);
    for (let i = 0; i < 2; i++) expect((await json('DELETE', '/api/policies/finance')).status).toBe(204);
  });

  it.each<[string, object, string]>([
    ['an agent that does not exist', { agents: ['nobody'] }, 'agents[0]'],
    [
      'a secret that does not exist',
      { rules: [{ allow: { hosts: ['a.example'], secrets: ['prod/stripe', 'prod/none'] } }] },
      'rules[0].allow.secrets[1]',
    ],
    ['a rule without a host', { rules: [{ allow: { hosts: [] } }] }, 'rules[0].allow.hosts'],
    ['secrets in a deny rule', { rules: [{ deny: { hosts: ['a.example'], secrets: [] } }] }, 'rules[0].deny.secrets'],
    ['a public suffix', { rules: [{ allow: { hosts: ['*.com'] } }] }, 'rules[0].allow.hosts[0]'],
    [
      'a path without a slash',
      { rules: [{ allow: { hosts: ['a.example'], paths: ['v1'] } }] },
      'rules[0].allow.paths[0]',
    ],
    [
      'a method in lower case',
      { rules: [{ allow: { hosts: ['a.example'], methods: ['get'] } }] },
      'rules[0].allow.methods[0]',
    ],
    ['an unknown field', { note: '' }, 'note'],
  ])('refuses %s, naming the field', async (_what, change, field) => {
    const answer = await json('POST', '/api/policies', { ...document, name: 'bad', ...change });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID', field } } });
    expect((await json('GET', '/api/policies/bad')).status).toBe(404);
  });
});
