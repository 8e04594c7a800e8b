import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await api.graphql('mutation { upsertSecret(input: { name: "page/a", value: "x" }) { change } }');
});
afterAll(() => api.stop());

const run = async (query: string, variables?: object): Promise<unknown> =>
  (await api.graphql(query, variables)).data?.['result'];
const send = (body: unknown, headers?: Record<string, string>) => api.call('POST', '/graphql', body, headers);

describe('limits', () => {
  const introspection = '{ __schema { types { name } } }';

  it('show the schema to who has signed in, and to nobody else', async () => {
    expect((await send({ query: introspection })).status).toBe(200);
    const stranger = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: introspection }),
    });
    expect(stranger.status).toBe(401);
    expect(await stranger.text()).not.toContain('Secret');
  });

  it('do not suggest names of fields', async () => {
    expect((await send({ query: '{ secretz { nodes } }' })).text).not.toMatch(/Did you mean|"secrets"/);
  });

  it.each<[string, RegExp, string]>([
    [
      'too many aliases',
      /Aliases limit of 15/,
      `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: revision`).join(' ')} }`,
    ],
    ['too many tokens', /more tha[nt] 1000 tokens/, `{ ${'revision '.repeat(1200)} }`],
    ['too many directives', /Directives limit of 20/, `{ revision ${'@include(if: true) '.repeat(30)} }`],
    [
      'fragments that go round',
      /Cannot spread fragment "a" within itself/,
      'query { ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
    ],
  ])('refuse %s', async (_what, why, query) => {
    const answer = await send({ query });
    expect(answer.status).toBe(400);
    const { data, errors } = answer.json as { data?: unknown; errors: { message: string }[] };
    expect(data).toBeUndefined();
    expect(errors.map(({ message }) => message).join('; ')).toMatch(why);
  });

  it('refuse what is too deep', async () => {
    const nested = '{ __typename '.repeat(12) + '}'.repeat(12);
    const { errors } = (await send({ query: `{ secrets { nodes ${nested} } }` })).json as {
      errors: { message: string }[];
    };
    expect(errors.some(({ message }) => /depth/i.test(message))).toBe(true);
  });

  it('refuse batches, GET mutations, form bodies and what a page of another site sends', async () => {
    expect((await send([{ query: '{ revision }' }, { query: '{ revision }' }])).status).toBe(400);
    const mutation = encodeURIComponent('mutation { deleteSecret(name: "page/a") { change } }');
    expect((await api.call('GET', `/graphql?query=${mutation}`)).status).toBe(405);
    expect((await api.call('GET', '/graphql?query=%7Brevision%7D')).status).toBe(200);
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }])
      for (const [method, body] of [['GET'], ['POST', { query: '{ revision }' }]] as const) {
        const answer = await api.call(method, '/graphql?query=%7Brevision%7D', body, headers);
        expect(answer.status).toBe(403);
        expect(answer.text).not.toContain('"data"');
      }
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'])
      expect(
        (
          await send(JSON.stringify({ query: 'mutation { deleteSecret(name: "page/a") { change } }' }), {
            'content-type': type,
          })
        ).status,
      ).toBe(415);
    expect((await send('query={revision}', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect(await run('{ result: secret(name: "page/a") { name } }')).toEqual({ name: 'page/a' });
  });

  it('refuse bodies over 1 MB', async () => {
    expect((await send({ query: '{ revision }', variables: { x: 'x'.repeat(1024 * 1024) } })).status).toBe(413);
  });

  it('ignore a write that a page of another origin makes', async () => {
    expect((await send({ query: '{ revision }' }, { origin: 'https://evil.example' })).status).toBe(403);
  });
});
