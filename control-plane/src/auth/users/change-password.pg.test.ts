import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { type GraphqlAnswer, type Served, serve } from '../../api/testing/serve.ts';
import { everywhere } from '../principal.ts';
import { callAs, fromPage, makeUser, passwordOf, signIn } from '../testing/people.ts';

let api: Served;
let page: Record<string, string>;
const next = 'Wombat-Ofen-anders-4417';
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await makeUser(api, 'ann', everywhere('auditor'));
  page = fromPage(api, await signIn(api, 'ann'));
});
beforeEach(() => api.database.query('TRUNCATE login_limit'));
afterAll(() => api?.stop());

const document = `changePassword(currentPassword: $currentPassword, password: $password) {
  object { name state revision } change revision errors { code field message } }`;
async function graphql(query: string, currentPassword: string, password: string): Promise<GraphqlAnswer> {
  const variables = { currentPassword, password };
  const text = `mutation ($currentPassword: String!, $password: String!) { ${query} }`;
  return (await callAs(api, page, 'POST', '/graphql', { query: text, variables })).json as GraphqlAnswer;
}
const change = async (currentPassword: string, password: string) =>
  (await graphql(document, currentPassword, password)).data?.['changePassword'];
const refused = (code: string, field: string, message: unknown) => ({
  object: null,
  change: null,
  revision: null,
  errors: [{ code, field, message }],
});
const isSignedIn = async () => (await callAs(api, page, 'GET', '/api/me')).status === 200;
const signsInBy = (password: string) =>
  signIn(api, 'ann', password).then(
    () => true,
    () => false,
  );

describe('changePassword', () => {
  it('tells a wrong current password in its payload, and records a login that was refused', async () => {
    await api.database.query("DELETE FROM admin_event WHERE outcome = 'refused'");
    const wrong = refused('UNAUTHENTICATED', 'currentPassword', 'currentPassword is not right');
    expect(await change('not the password', next)).toEqual(wrong);
    const rows = await api.database.query<object[]>(
      "SELECT principal, action, object_kind, object_name, reason, address FROM admin_event WHERE outcome = 'refused'",
    );
    const act = { principal: 'user:ann', action: 'login', object_kind: 'user', object_name: 'ann' };
    expect(rows).toEqual([{ ...act, reason: 'UNAUTHENTICATED', address: '127.0.0.1' }]);
    expect([await isSignedIn(), await signsInBy(passwordOf('ann'))]).toEqual([true, true]);
  });

  it('tells in its payload what is wrong with the new one, and keeps the sessions', async () => {
    const bad = (problem: string) => refused('INVALID', 'password', expect.stringContaining(problem));
    expect(await change(passwordOf('ann'), 'short')).toEqual(bad('at least 12'));
    expect(await change(passwordOf('ann'), 'passwordpassword')).toEqual(bad('too easy to guess'));
    expect(await change(passwordOf('ann'), 'x'.repeat(1025))).toEqual(bad('at most 1024'));
    expect([await isSignedIn(), await signsInBy(passwordOf('ann'))]).toEqual([true, true]);
  });

  it('lets nobody guess: each alias counts, and after ten tries no more are looked at', async () => {
    await api.database.query("DELETE FROM admin_event WHERE outcome = 'refused'");
    const many = Array.from({ length: 12 }, (_, place) => `a${place}: ${document}`).join(' ');
    const { data, errors = [] } = await graphql(many, 'a guess', next);
    expect(data).toBeNull();
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['TOO_MANY_LOGINS']);
    const rows = await api.database.query<object[]>(
      "SELECT reason, count(*)::int FROM admin_event WHERE outcome = 'refused' GROUP BY reason ORDER BY reason",
    );
    expect(rows).toEqual([
      { reason: 'TOO_MANY_LOGINS', count: 1 },
      { reason: 'UNAUTHENTICATED', count: 10 },
    ]);
    const { errors: later } = await graphql(document, 'another guess', next);
    expect(later?.[0]?.extensions['code']).toBe('TOO_MANY_LOGINS');
  });

  it('gives the user and the revision, ends all sessions, and lets in by the new password alone', async () => {
    const other = fromPage(api, await signIn(api, 'ann'));
    const done = await change(passwordOf('ann'), next);
    const { revision } = done as { revision: number };
    expect(done).toEqual({
      object: { name: 'ann', state: 'ACTIVE', revision },
      change: 'UPDATED',
      revision,
      errors: [],
    });
    expect((await callAs(api, other, 'GET', '/api/me')).status).toBe(401);
    expect(await isSignedIn()).toBe(false);
    expect([await signsInBy(passwordOf('ann')), await signsInBy(next)]).toEqual([false, true]);
  });
});

describe('what hands out a text once', () => {
  it.each([
    ['createApiKey', 'createApiKey(input: { name: "once" })'],
    ['inviteUser', 'inviteUser(input: { name: "once", roles: [{ role: AUDITOR, environments: ["*"] }] })'],
  ])('is no upsert: %s, sent again, is refused and hands out nothing', async (_, call) => {
    const query = `mutation { r: ${call} { object { name } token change errors { code } } }`;
    const first = (await api.graphql(query)).data?.['r'];
    expect(first).toMatchObject({ change: 'CREATED', token: expect.any(String) });
    const again = { object: null, token: null, change: null, errors: [{ code: 'NAME_TAKEN' }] };
    expect((await api.graphql(query)).data?.['r']).toEqual(again);
  });
});
