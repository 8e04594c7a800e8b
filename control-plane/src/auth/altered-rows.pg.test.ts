/** Somebody who can write to the database tries to come in by it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { basic, type Served, serve } from '../api/testing/serve.ts';
import { hashPassword } from './passwords/password.ts';
import { everywhere } from './principal.ts';
import { callAs, makeKey, makeUser, passwordOf, signIn } from './testing/people.ts';

const owners = JSON.stringify(everywhere('owner'));
let api: Served;
/** Of a password that the attacker knows. */
let knownHash: string;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  knownHash = await hashPassword(passwordOf('mallory'));
  await makeUser(api, 'boss', everywhere('owner'));
});
afterAll(() => api.stop());

const write = (text: string, values: readonly unknown[] = []) => api.database.query(text, [...values]);
const mayCall = async (headers: Record<string, string>) =>
  (await callAs(api, headers, 'GET', '/api/me')).status === 200;
const login = async (user: string, password: string) =>
  (await callAs(api, {}, 'POST', '/api/login', { user, password })).status;
const isTold = (row: string) =>
  api.logLines.some((line) => line.includes('altered from outside') && line.includes(row));

/** A user who signed in, and an API key of his. */
async function comeIn(name: string) {
  await makeUser(api, name, everywhere('auditor'));
  const cookie = await signIn(api, name);
  const key = await makeKey(api, { cookie, origin: api.url }, { name: `${name}s` });
  expect([await mayCall({ cookie }), await mayCall(key)]).toEqual([true, true]);
  return { cookie, key };
}

describe('an account that somebody put into the database', () => {
  it.each([
    ['without a MAC', null],
    ['with the MAC of an owner', 'boss'],
  ])('lets nobody in (%s), is given nothing by an admin, and can be deleted', async (_what, from) => {
    await write(
      `INSERT INTO user_account (id, name, password_hash, role, assignments, is_disabled, mac)
       VALUES ($1, 'mallory', $2, 'owner', $3, false, (SELECT mac FROM user_account WHERE name = $4))`,
      [randomUUID(), knownHash, owners, from],
    );
    expect(await login('mallory', passwordOf('mallory'))).toBe(401);
    expect(await mayCall(basic('mallory', passwordOf('mallory')))).toBe(false);
    const shown = await api.call('GET', '/api/users/mallory');
    expect(shown.json).toMatchObject({ state: 'disabled', roles: [] });
    const roles = everywhere('auditor');
    for (const [method, path, body] of [
      ['PUT', '/api/users/mallory', { disabled: false, roles }],
      ['POST', '/api/users/mallory/reset'],
    ] as const)
      expect((await api.call(method, path, body)).json, path).toMatchObject({ error: { code: 'CONFLICT' } });
    expect(await login('mallory', passwordOf('mallory'))).toBe(401);
    expect((await api.call('DELETE', '/api/users/mallory')).status).toBe(204);
    expect(isTold('mallory')).toBe(true);
  });
});

describe('an account that somebody altered', () => {
  it.each([
    ['roles', `assignments = '${owners}', role = 'owner'`],
    ['a password that he knows', 'password_hash = $2'],
    ['no MAC, and such a password', 'password_hash = $2, mac = NULL'],
    ['another name', `name = 'renamed'`],
  ])('is out, with its sessions and keys: %s', async (_what, set) => {
    const { cookie, key } = await comeIn('low');
    await write(`UPDATE user_account SET ${set} WHERE name = $1 AND $2::text IS NOT NULL`, ['low', knownHash]);
    for (const name of ['low', 'renamed'])
      for (const password of [passwordOf('low'), passwordOf('mallory')]) expect(await login(name, password)).toBe(401);
    expect([await mayCall({ cookie }), await mayCall(key)]).toEqual([false, false]);
    for (const name of ['low', 'renamed']) await api.call('DELETE', `/api/users/${name}`);
  });

  it('comes back as it was when its old row does, and not with another that is enabled again', async () => {
    const { cookie } = await comeIn('lena');
    await api.call('PUT', '/api/users/lena', { disabled: true });
    await write(`UPDATE user_account SET is_disabled = false WHERE name = 'lena'`);
    expect(await login('lena', passwordOf('lena'))).toBe(401);
    await write(`UPDATE user_account SET is_disabled = true WHERE name = 'lena'`);
    await api.call('PUT', '/api/users/lena', { disabled: false });
    expect(await login('lena', passwordOf('lena'))).toBe(200);
    expect(await mayCall({ cookie })).toBe(false);
  });
});

describe('an API key that somebody altered', () => {
  it.each([
    ['of nobody: of this machine', 'owner_id = NULL'],
    ['of an owner', `owner_id = (SELECT id FROM user_account WHERE name = 'boss')`],
    ['that may do more', 'actions = NULL'],
    ['in more environments', 'environments = NULL'],
    ['that is good for longer', `expires_at = now() + interval '10 years'`],
    ['with roles', `assignments = '${owners}'`],
    ['without a MAC', 'mac = NULL'],
    ['with the hash of another', `hash = '\\x00'`],
  ])('is none: %s', async (_what, set) => {
    const name = `key-${randomUUID()}`;
    const { token } = (
      await api.call('POST', '/api/api-keys', {
        name,
        actions: ['secret:read'],
        environments: ['dev'],
        expiresInDays: 1,
      })
    ).json as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    expect(await mayCall(headers)).toBe(true);
    await write(`UPDATE api_key SET ${set} WHERE name = $1`, [name]);
    expect(await mayCall(headers)).toBe(false);
  });
});

describe('a session and a link that somebody moved to another user', () => {
  it('are worth nothing', async () => {
    const boss = `(SELECT id FROM user_account WHERE name = 'boss')`;
    const { cookie } = await comeIn('lou');
    await write(`UPDATE user_session SET user_id = ${boss} WHERE user_id <> ${boss}`);
    expect(await mayCall({ cookie })).toBe(false);
    const { token } = (await api.call('POST', '/api/users/lou/reset')).json as { token: string };
    await write(`UPDATE user_link SET user_id = ${boss}`);
    const set = await callAs(api, {}, 'POST', '/api/password', { token, password: passwordOf('mallory') });
    expect(set.status).toBe(401);
    expect(await login('boss', passwordOf('boss'))).toBe(200);
  });
});

describe('the mark that rows have MACs', () => {
  it('is in the key terms, so that no row that is taken away makes a control plane believe all again', async () => {
    await write(`DELETE FROM instance_key WHERE purpose = 'row-mac'`);
    await write('DELETE FROM control_plane');
    await write(
      `INSERT INTO user_account (id, name, password_hash, role, is_disabled) VALUES ($1, 'eve', $2, 'owner', false)`,
      [randomUUID(), knownHash],
    );
    const next = await serve(api.config.databaseUrl);
    try {
      const answer = await callAs(next, {}, 'POST', '/api/login', {
        user: 'eve',
        password: passwordOf('mallory'),
      });
      expect(answer.status).toBe(401);
    } finally {
      await next.stop();
    }
  });
});
