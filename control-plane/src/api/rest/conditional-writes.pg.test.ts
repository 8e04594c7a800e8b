import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { type Served, serve } from '../testing/serve.ts';

let api: Served;
const everywhere = (role: string) => [{ role, environments: ['*'] }];
const rotation = { generate: {}, watchSeconds: 0, graceSeconds: 0 };
const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
/** A path, what makes it, and three bodies of a PUT. */
const kinds = [
  [
    '/api/secrets',
    { name: 'prod/a', value: 'x' },
    { description: 'one' },
    { description: 'two' },
    { description: 'three' },
  ],
  ['/api/agents', { name: 'bot' }, { labels: { a: '1' } }, { labels: { a: '2' } }, { labels: {} }],
  [
    '/api/policies',
    { name: 'p', agents: [], rules: [] },
    { agents: [], rules: [{ deny: { hosts: ['a.example'] } }] },
    { agents: [], rules: [] },
    { agents: [], mode: 'monitor', rules: [] },
  ],
  [
    '/api/routes',
    { name: 'r', secret: 'prod/a', hosts: ['a.example'], inject },
    { secret: 'prod/a', hosts: ['b.example'], inject },
    { secret: 'prod/a', hosts: ['c.example'], inject },
    { secret: 'prod/a', hosts: ['d.example'], inject },
  ],
  [
    '/api/users',
    { name: 'ann', roles: everywhere('auditor') },
    { roles: everywhere('operator') },
    { roles: everywhere('agent-manager') },
    { roles: everywhere('admin') },
  ],
  [
    '/api/rotations',
    { name: 'prod/a', ...rotation },
    { ...rotation, schedule: '0 3 1 * *' },
    { ...rotation, zone: 'Europe/Berlin' },
    { ...rotation, isEnabled: false },
  ],
] as const;

beforeAll(async () => {
  api = await serve(await freshDatabase());
  for (const [path, made] of kinds)
    if (path !== '/api/rotations') expect((await api.call('POST', path, made)).status).toBe(201);
  expect((await api.call('PUT', '/api/rotations/prod%2Fa', rotation)).status).toBe(200);
});
afterAll(() => api?.stop());

describe.each(kinds)('conditional writes of %s', (path, { name }, one, two, third) => {
  const url = `${path}/${encodeURIComponent(name)}`;
  const tag = async (): Promise<string> => (await api.call('GET', url)).headers['etag'] ?? '';
  const put = (body: object, match: string) => api.call('PUT', url, body, { 'if-match': match });

  it('go through with the ETag of what was read, and each makes another', async () => {
    const first = await tag();
    expect(first).toMatch(/^"\d+"$/);
    expect((await put(one, first)).status).toBe(200);
    const second = await tag();
    expect(second).not.toBe(first);
    expect((await put(two, `"999999", ${second}`)).status).toBe(200);
    expect((await put(one, '*')).status).toBe(200);
  });

  it.each(['of before', 'weak', 'of the future', 'that is none', 'that is empty'])(
    'are refused with a tag %s, and leave everything as it is',
    async (which) => {
      const now = await tag();
      const revision = Number(now.slice(1, -1));
      const match = {
        'of before': `"${revision - 1}"`,
        weak: `W/${now}`,
        'of the future': `"${revision + 1}"`,
        'that is none': 'abc',
        'that is empty': '',
      };
      const before = (await api.call('GET', url)).text;
      for (const method of ['PUT', 'DELETE']) {
        const answer = await api.call(method, url, method === 'PUT' ? two : undefined, {
          'if-match': match[which as keyof typeof match],
        });
        expect(answer.status).toBe(412);
        expect(answer.json).toMatchObject({ error: { code: 'PRECONDITION_FAILED' } });
      }
      expect((await api.call('GET', url)).text).toBe(before);
    },
  );

  it('let one of two writers who read the same win', async () => {
    await put(one, '*');
    const both = await tag();
    const answers = await Promise.all([put(two, both), put(third, both)].map(async (answer) => (await answer).status));
    expect(answers.toSorted((one, other) => one - other)).toEqual([200, 412]);
  });
});

describe('an If-Match', () => {
  it('ends the API key that was looked at, and no other of its name', async () => {
    const url = '/api/api-keys/ci';
    const make = async () => {
      expect((await api.call('POST', '/api/api-keys', { name: 'ci' })).status).toBe(201);
      return { 'if-match': (await api.call('GET', url)).headers['etag'] ?? '' };
    };
    const first = await make();
    expect((await api.call('DELETE', url, undefined, first)).status).toBe(204);
    const second = await make();
    expect((await api.call('DELETE', url, undefined, first)).status).toBe(412);
    expect((await api.call('GET', url)).status).toBe(200);
    expect((await api.call('DELETE', url, undefined, second)).status).toBe(204);
  });

  it.each([
    ['POST', '/api/secrets/prod%2Fa/rollback', { version: 1 }],
    ['POST', '/api/secrets/prod%2Fa/alias', { prefix: 'sk-' }],
    ['DELETE', '/api/secrets/prod%2Fa/versions/1', undefined],
    ['POST', '/api/users/ann/reset', undefined],
    ['POST', '/api/agents/bot/rotate', undefined],
    ['POST', '/api/agents/bot/disable', undefined],
  ])('is held against by %s %s', async (method, url, body) => {
    await api.call('PUT', '/api/secrets/prod%2Fa', { value: 'y' });
    const events = () => api.database.query("SELECT count(*) FROM admin_event WHERE outcome = 'done'");
    const before = await events();
    expect((await api.call(method, url, body, { 'if-match': '"1"' })).status).toBe(412);
    expect(await events()).toEqual(before);
  });

  it('is refused where it would be ignored', async () => {
    const answer = await api.call('POST', '/api/agents', { name: 'other' }, { 'if-match': '"1"' });
    expect(answer.json).toMatchObject({ error: { code: 'INVALID', field: 'If-Match' } });
    expect((await api.call('GET', '/api/agents/other')).status).toBe(404);
  });

  it('removes what it names, and is told 404 by a PUT of what is absent', async () => {
    const url = '/api/agents/bot';
    const { headers } = await api.call('GET', url);
    expect((await api.call('DELETE', url, undefined, { 'if-match': headers['etag'] ?? '' })).status).toBe(204);
    expect((await api.call('PUT', url, { labels: {} }, { 'if-match': '*' })).status).toBe(404);
  });

  it('stands in the document, with its refusal and the tag that it takes', async () => {
    const { paths } = (await api.call('GET', '/api/openapi.json')).json as {
      paths: Record<
        string,
        Record<string, { parameters: { name: string }[]; responses: Record<string, { headers?: object }> }>
      >;
    };
    const named = ['secrets', 'agents', 'policies', 'routes', 'users', 'rotations', 'api-keys'];
    for (const path of named.map((name) => `/api/${name}/{name}`)) {
      for (const method of path.includes('api-keys') ? ['delete'] : ['put', 'delete']) {
        expect(paths[path]?.[method]?.parameters.map(({ name }) => name)).toContain('If-Match');
        expect(paths[path]?.[method]?.responses).toHaveProperty('412');
      }
      expect(paths[path]?.['get']?.responses['200']?.headers).toHaveProperty('ETag');
    }
  });
});
