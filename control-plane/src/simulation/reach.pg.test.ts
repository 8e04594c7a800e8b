import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, fromPage, makeKey, makeUser, signIn } from '../auth/testing/people.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await api.call('POST', '/api/secrets', { name: 'prod/k', value: 'x' });
  for (const index of Array.from({ length: 25 }, (_, each) => each))
    await api.call('POST', '/api/agents', { name: `ci-${String(index).padStart(2, '0')}`, labels: { team: 'ci' } });
  await api.call('POST', '/api/agents', { name: 'bot' });
  const grant = { allow: { hosts: ['*.a.example'], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/k'] } };
  const deny = { deny: { hosts: ['b.a.example:8443'] } };
  const many = Array.from({ length: 11 }, () => ({ allow: { hosts: ['c.example'] } }));
  for (const policy of [
    { name: 'team', agents: [{ labels: { team: 'ci' } }, 'bot'], rules: [grant, deny] },
    { name: 'bot', agents: ['bot'], mode: 'monitor', rules: many },
  ])
    expect((await api.call('POST', '/api/policies', policy)).status).toBe(201);
});
afterAll(() => api?.stop());

const query = `query($filter: ReachFilter, $first: Int! = 50, $after: String) {
  reach(filter: $filter, first: $first, after: $after) {
    nodes { rule effect isMonitored agents agentCount hosts paths methods secrets } pageInfo { hasNextPage endCursor } } }`;
interface Answer {
  readonly nodes: readonly { readonly rule: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}
const reach = async (filter?: object, page: object = {}): Promise<Answer> =>
  (await api.graphql(query, { filter, ...page })).data?.['reach'] as never;
const rulesOf = async (filter: object) => (await reach(filter)).nodes.map(({ rule }) => rule);

describe('who may reach what', () => {
  it('is told rule by rule, with the agents that there are now', async () => {
    const { nodes } = await reach({ secret: 'prod/k' });
    expect(nodes).toEqual([
      {
        rule: 'team/rules/0',
        effect: 'ALLOW',
        isMonitored: false,
        agentCount: 26,
        agents: ['bot', ...Array.from({ length: 19 }, (_, each) => `ci-${String(each).padStart(2, '0')}`)],
        hosts: ['*.a.example'],
        paths: ['/v1/**'],
        methods: ['GET'],
        secrets: ['prod/k'],
      },
    ]);
  });

  it('is filtered by agent, by host as patterns cover it, and by secret', async () => {
    expect(await rulesOf({ agent: 'ci-07' })).toEqual(['team/rules/0', 'team/rules/1']);
    expect(await rulesOf({ agent: 'bot', host: 'X.a.Example' })).toEqual(['team/rules/0']);
    expect(await rulesOf({ host: 'b.a.example', port: 8443 })).toEqual(['team/rules/1']);
    expect(await rulesOf({ host: 'a.example' })).toEqual([]);
    expect(await rulesOf({ agent: 'none' })).toEqual([]);
    expect(await rulesOf({ secret: 'prod/none' })).toEqual([]);
  });

  it('comes in pages, the tenth rule after the ninth', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { nodes, pageInfo }: Answer = await reach(undefined, { first: 3, after });
      seen.push(...nodes.map(({ rule }) => rule));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null);
    const ofBot = Array.from({ length: 11 }, (_, index) => `bot/rules/${index}`);
    expect(seen).toEqual([...ofBot, 'team/rules/0', 'team/rules/1']);
  });

  it('is told to nobody who may not read both policies and agents', async () => {
    await makeUser(api, 'ada', everywhere('admin'));
    const admin = fromPage(api, await signIn(api, 'ada'));
    const ask = async (name: string, actions: readonly string[]) => {
      const key = await makeKey(api, admin, { name, actions });
      return (await callAs(api, key, 'POST', '/graphql', { query })).json;
    };
    expect(await ask('both', ['policy:read', 'agent:read'])).toMatchObject({ data: { reach: {} } });
    for (const [at, action] of ['policy:read', 'agent:read'].entries())
      expect(await ask(`key-${at}`, [action])).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });
});
