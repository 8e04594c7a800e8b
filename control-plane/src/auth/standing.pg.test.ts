import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { park } from '../api/testing/park.ts';
import { basic, type Served, serve } from '../api/testing/serve.ts';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { guardAll } from '../keys/guarded-rows.ts';
import { everywhere } from './principal.ts';
import { callAs, fromPage, makeKey, makeUser, passwordOf, signIn } from './testing/people.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

type Login = 'session' | 'password' | 'key';

/** Makes an owner, and the headers of one way of his to come in. */
async function ownerBy(name: string, login: Login): Promise<Record<string, string>> {
  await makeUser(api, name, everywhere('owner'));
  const password = basic(name, passwordOf(name));
  if (login === 'session') return fromPage(api, await signIn(api, name));
  return login === 'key' ? makeKey(api, password, { name }) : password;
}

const accomplice = (name: string) => ({ name: `${name}-2`, roles: everywhere('owner') });
const exists = async (name: string) => (await api.call('GET', `/api/users/${name}-2`)).status === 200;

/** Waits until so many writes wait for the lock of changes. */
const waiting = (count: number) =>
  expect
    .poll(() => api.database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), {
      timeout: 20_000,
    })
    .toHaveLength(count);

/** What ends a login, or takes rights from it: as the API does it, and as another control plane would have by SQL. */
const ends = {
  disabled: [
    (name: string) => api.call('PUT', `/api/users/${name}`, { disabled: true }),
    'UPDATE user_account SET is_disabled = true WHERE name = $1',
  ],
  reset: [
    (name: string) => api.call('POST', `/api/users/${name}/reset`),
    `WITH reset AS (UPDATE user_account SET password_hash = NULL WHERE name = $1 RETURNING id)
     DELETE FROM user_session WHERE user_id IN (SELECT id FROM reset)`,
  ],
  demoted: [
    (name: string) => api.call('PUT', `/api/users/${name}`, { roles: everywhere('auditor') }),
    `UPDATE user_account SET role = 'auditor', assignments = '[{"role":"auditor","environments":["*"]}]' WHERE name = $1`,
  ],
  deleted: [(name: string) => api.call('DELETE', `/api/users/${name}`), 'DELETE FROM user_account WHERE name = $1'],
  revoked: [(name: string) => api.call('DELETE', `/api/api-keys/${name}`), 'DELETE FROM api_key WHERE name = $1'],
} as const;

const cases: readonly [Login, keyof typeof ends, number][] = [
  ['session', 'disabled', 401],
  ['session', 'reset', 401],
  ['session', 'demoted', 403],
  ['password', 'disabled', 401],
  ['password', 'reset', 401],
  ['password', 'demoted', 403],
  ['key', 'disabled', 401],
  ['key', 'revoked', 401],
  ['key', 'demoted', 403],
  ['key', 'deleted', 401],
];

describe('a call whose body comes after its head', () => {
  it.each(cases)('by a %s writes nothing when its caller was %s in between', async (login, how, status) => {
    const name = `parked-${login}-${how}`;
    const parked = await park(api, await ownerBy(name, login), 'POST', '/api/users', accomplice(name));
    expect((await ends[how][0](name)).status).toBeLessThan(300);
    expect((await parked.release()).status).toBe(status);
    expect(await exists(name)).toBe(false);
  });

  it('is refused the same when it is a mutation of GraphQL, or makes a key', async () => {
    const headers = await ownerBy('graph', 'session');
    const query = 'mutation { createApiKey(input: { name: "stolen", expiresInDays: null }) { token } }';
    const mutation = await park(api, headers, 'POST', '/graphql', { query });
    const key = await park(api, headers, 'POST', '/api/api-keys', { name: 'stolen', expiresInDays: null });
    await api.call('POST', '/api/users/graph/reset');
    expect((await mutation.release()).status).toBe(401);
    expect((await key.release()).status).toBe(401);
    expect((await api.call('GET', '/api/api-keys/stolen')).status).toBe(404);
  });

  it('plans nothing when its caller was disabled in between, though a plan changes nothing', async () => {
    const parked = await park(api, await ownerBy('planner', 'session'), 'POST', '/api/plan', { config: {} });
    await api.call('PUT', '/api/users/planner', { disabled: true });
    expect((await parked.release()).status).toBe(401);
  });
});

describe('a write that waits for another one', () => {
  it.each(cases)('by a %s is undone when the other one had its caller %s', async (login, how, status) => {
    const name = `waiting-${login}-${how}`;
    const headers = await ownerBy(name, login);
    const held = await api.database.transaction(async (manager) => {
      await lockForChange(manager);
      const call = callAs(api, headers, 'POST', '/api/users', accomplice(name));
      await waiting(1);
      await manager.query(ends[how][1], [name]);
      await guardAll(manager, api.keys.rows);
      return { call };
    });
    expect((await held.call).status).toBe(status);
    expect(await exists(name)).toBe(false);
  });

  it('is done when its caller is still who he was', async () => {
    for (const login of ['session', 'password', 'key'] as const) {
      const name = `plain-${login}`;
      expect((await callAs(api, await ownerBy(name, login), 'POST', '/api/users', accomplice(name))).status).toBe(201);
    }
  });
});

describe('a change of the own password', () => {
  it('does not undo a reset that came while the new one was looked at, and leaves its link as it is', async () => {
    await makeUser(api, 'carl', everywhere('admin'));
    const thief = basic('carl', passwordOf('carl'));
    const theirs = 'Wombat-Ofen-thief-99x7';
    const body = { currentPassword: passwordOf('carl'), password: theirs };
    // Both wait, the reset ahead of the change, which has looked at everything by then.
    const { resetting, changing } = await api.database.transaction(async (manager) => {
      await lockForChange(manager);
      const reset = api.call('POST', '/api/users/carl/reset');
      await waiting(1);
      const change = callAs(api, thief, 'PUT', '/api/me/password', body);
      await waiting(2);
      return { resetting: reset, changing: change };
    });
    expect((await changing).status).toBe(401);
    const { token } = (await resetting).json as { token: string };
    expect((await callAs(api, basic('carl', theirs), 'GET', '/api/me')).status).toBe(401);
    const set = await callAs(api, {}, 'POST', '/api/password', { token, password: 'Wombat-Ofen-real-99x7' });
    expect(set.status).toBe(200);
  });
});
