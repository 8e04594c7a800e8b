import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';

let onecli: Onecli;
beforeAll(async () => {
  onecli = await startOnecli();
});
afterAll(() => onecli?.stop());

describe('GraphQL', () => {
  it('answers to the admin alone, and has no field for a value', async () => {
    const query = { query: '{ __schema { types { name fields { name } } } }' };
    const answer = await onecli.api('POST', '/graphql', query);
    expect(answer.status).toBe(200);
    const { data } = answer.json as {
      data: { __schema: { types: { name: string; fields: { name: string }[] | null }[] } };
    };
    const types = new Map(
      data.__schema.types.map((type) => [type.name, type.fields?.map((field) => field.name) ?? []]),
    );
    expect(types.get('Secret')).toContain('version');
    expect(types.get('Secret')).not.toContain('value');
    const anonymous = await callApi(onecli.apiUrl, 'POST', '/graphql', query);
    expect(anonymous.text).toMatch(/UNAUTHENTICATED/);
    expect(anonymous.text).not.toContain('__schema"');
  });

  it('refuses batches, GET mutations and deep queries without a stack', async () => {
    for (const body of [
      [{ query: '{ __typename }' }, { query: '{ __typename }' }],
      { query: `{${'a{'.repeat(200)}b${'}'.repeat(200)}}` },
      { query: 'nonsense' },
      {},
    ]) {
      const answer = await onecli.api('POST', '/graphql', body);
      expect(answer.text).toMatch(/error/i);
      expect(answer.text).not.toMatch(/node_modules|stacktrace/i);
    }
    const byGet = await onecli.api('GET', `/graphql?query=${encodeURIComponent('mutation { __typename }')}`);
    expect(byGet.status).toBeGreaterThanOrEqual(400);
  });
});

describe('guessing the admin password', () => {
  it('is slowed down with 429, and says when to come again', async () => {
    let answer = await guess(0);
    for (let index = 1; index < 60 && answer.status === 401; index += 1) answer = await guess(index);
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.json).toMatchObject({ error: { code: 'TOO_MANY_LOGINS' } });
  });
});

function guess(index: number): ReturnType<typeof callApi> {
  const authorization = `Basic ${Buffer.from(`admin:guess-${index}`).toString('base64')}`;
  return callApi(onecli.apiUrl, 'GET', '/api/secrets', undefined, { authorization });
}
