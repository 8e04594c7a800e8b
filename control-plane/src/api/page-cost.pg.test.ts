import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api?.stop());

const secretFields = 'id name description alias version versions isDisabled fingerprint valueSetAt createdAt';
const allow =
  'hosts paths methods windows { days from to zone } secrets rateLimit { requests perSeconds by } maxConcurrent maxBodyBytes tunnel http2 plainHttp';
const policyFields = `id name version agents { name labels { key value } } mode rules { allow { ${allow} } deny { hosts paths methods windows { days from to zone } } } managedBy revision createdAt updatedAt`;
const page = (alias: string, size: string): string => `${alias}: secrets(${size}) { nodes { ${secretFields} } }`;
const pages = (count: number, size: string): string =>
  Array.from({ length: count }, (_, index) => page(`p${index}`, size)).join(' ');

async function answer(query: string, variables: object = {}) {
  const { status, json } = await api.call('POST', '/graphql', { query, variables });
  const { errors = [] } = json as { errors?: { message: string; extensions: { code: string } }[] };
  return { status, code: errors[0]?.extensions.code, message: errors[0]?.message ?? '' };
}

const refused = {
  status: 400,
  code: 'GRAPHQL_VALIDATION_FAILED',
  message: 'Syntax Error: Query Cost limit of 20000 exceeded.',
};

describe('what a document costs', () => {
  it.each<[string, string, object]>([
    ['a literal', `{ ${pages(12, 'first: 200')} }`, {}],
    ['a variable', `query($n: Int!) { ${pages(12, 'first: $n')} }`, { n: 200 }],
    [
      'a variable by another name, second',
      `query($a: String, $b: Int) { ${pages(12, 'after: $a, first: $b')} }`,
      { b: 200 },
    ],
    ["a variable's default", `query($n: Int! = 200) { ${pages(12, 'first: $n')} }`, {}],
    ['a fragment', `query($n: Int!) { ...all } fragment all on Query { ${pages(12, 'first: $n')} }`, { n: 200 }],
  ])('counts a page whose size comes by %s', async (_what, query, variables) => {
    expect(await answer(query, variables)).toEqual(refused);
  });

  it('counts the size that a page has when nothing is said', async () => {
    const many = Array.from({ length: 10 }, (_, index) => `p${index}: policies { nodes { ...a } }`).join(' ');
    expect(await answer(`{ ${many} } fragment a on Policy { ${policyFields} }`)).toEqual(refused);
  });

  it.each([
    ['the largest page of secrets', `query($n: Int!) { ${page('p', 'first: $n')} }`],
    [
      'the largest page of policies with all that they have',
      `query($n: Int!) { policies(first: $n) { nodes { ${policyFields} } edges { cursor } pageInfo { endCursor } } }`,
    ],
  ])('lets %s through', async (_what, query) => {
    expect(await answer(query, { n: 200 })).toMatchObject({ status: 200, code: undefined });
  });

  it('leaves a size that is none to the check of its type', async () => {
    const query = `query($n: Int!) { ${page('p', 'first: $n')} }`;
    for (const n of ['200', {}, [1], null, 1.5])
      expect(await answer(query, { n })).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    expect((await answer(query, { n: -5 })).code).toBe('INVALID');
  });
});
