import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { type Served, serve } from '../../api/testing/serve.ts';
import { lockForChange } from '../../configuration/lock-for-change.ts';
import { everywhere } from '../principal.ts';
import { callAs, fromPage, makeKey, makeUser, signIn } from '../testing/people.ts';

let api: Served;
let admin: Record<string, string>;
let operator: Record<string, string>;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await makeUser(api, 'ada', everywhere('admin'));
  await makeUser(api, 'oscar', everywhere('operator'));
  admin = fromPage(api, await signIn(api, 'ada'));
  operator = fromPage(api, await signIn(api, 'oscar'));
  for (const name of ['prod/openai', 'staging/openai']) await api.call('POST', '/api/secrets', { name, value: 'x' });
});
afterAll(() => api.stop());

const status = async (headers: Record<string, string>, method: string, path: string, body?: unknown) =>
  (await callAs(api, headers, method, path, body)).status;

describe('an API key', () => {
  it('does what its owner may, is told once, and lies nowhere as it is', async () => {
    const key = await makeKey(api, admin, { name: 'plain' });
    expect((await callAs(api, key, 'GET', '/api/me')).json).toMatchObject({ kind: 'key', name: 'plain', owner: 'ada' });
    expect(await status(key, 'POST', '/api/secrets', { name: 'prod/by-key', value: 'x' })).toBe(201);
    const text = key['authorization']?.slice(7) ?? '';
    const shown = await callAs(api, admin, 'GET', '/api/api-keys/plain');
    expect(shown.text).not.toContain(text);
    expect(shown.json).toMatchObject({ prefix: text.slice(0, 8), owner: 'ada', actions: null });
    const rows = await api.database.query<object[]>("SELECT k.*, encode(k.hash, 'escape') AS plain FROM api_key k");
    expect(JSON.stringify(rows)).not.toContain(text);
    expect(api.logLines.join('')).not.toContain(text);
  });

  it.each(['api_key', 'user_account'])('is shown as held when that is said in %s', async (table) => {
    await makeUser(api, `of-${table}`, everywhere('auditor'));
    const name = `held-${table}`;
    const key = await makeKey(api, fromPage(api, await signIn(api, `of-${table}`)), { name });
    const shown = async () => (await callAs(api, admin, 'GET', `/api/api-keys/${name}`)).json;
    expect(await shown()).toMatchObject({ isHeld: false });
    await api.database.query(`UPDATE ${table} SET is_held = true WHERE name IN ($1, $2)`, [name, `of-${table}`]);
    expect(await shown()).toMatchObject({ isHeld: true });
    expect(await status(key, 'GET', '/api/me')).toBe(401);
  });

  it('is limited to its actions and its environments', async () => {
    const key = await makeKey(api, admin, {
      name: 'narrow',
      actions: ['secret:read', 'secret:create'],
      environments: ['staging'],
    });
    expect(await status(key, 'GET', '/api/secrets/staging%2Fopenai')).toBe(200);
    expect(await status(key, 'GET', '/api/secrets/prod%2Fopenai')).toBe(403);
    expect(await status(key, 'POST', '/api/secrets', { name: 'staging/new', value: 'x' })).toBe(201);
    expect(await status(key, 'POST', '/api/secrets', { name: 'prod/new', value: 'x' })).toBe(403);
    expect(await status(key, 'DELETE', '/api/secrets/staging%2Fopenai')).toBe(403);
    expect(await status(key, 'GET', '/api/agents')).toBe(403);
  });

  it('takes along, when it is revoked, every key that it made and that those made, each with an event', async () => {
    const roles = everywhere('admin');
    const root = await makeKey(api, admin, { name: 'root', roles });
    const child = await makeKey(api, root, { name: 'root-child', roles });
    const grandchild = await makeKey(api, child, { name: 'root-grandchild', roles });
    const other = await makeKey(api, admin, { name: 'root-other', roles });
    expect(await status(grandchild, 'GET', '/api/agents')).toBe(200);
    expect(await status(admin, 'DELETE', '/api/api-keys/root')).toBe(204);
    for (const key of [root, child, grandchild]) expect(await status(key, 'GET', '/api/agents')).toBe(401);
    expect(await status(other, 'GET', '/api/agents')).toBe(200);
    const events = await api.database.query<object[]>(
      `SELECT object_name, detail ->> 'with' AS "with" FROM admin_event
       WHERE action = 'api-key:revoke' AND outcome = 'done' AND object_name LIKE 'root%' ORDER BY object_name`,
    );
    expect(events).toEqual([
      { object_name: 'root', with: null },
      { object_name: 'root-child', with: 'root' },
      { object_name: 'root-grandchild', with: 'root' },
    ]);
  });

  it('makes no key any more once it is revoked, also by a call that was let in before', async () => {
    const roles = everywhere('admin');
    const key = await makeKey(api, admin, { name: 'racing', roles });
    const hold = api.database.createQueryRunner();
    await hold.connect();
    await hold.startTransaction();
    // The lock of configuration changes: the call has been let in and waits for it.
    await lockForChange(hold.manager);
    const making = callAs(api, key, 'POST', '/api/api-keys', { name: 'racing-child', roles });
    await vi.waitFor(async () => {
      const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
      expect(await api.database.query<object[]>(waiting)).not.toEqual([]);
    }, 20_000);
    await hold.query("DELETE FROM api_key WHERE name = 'racing'");
    await hold.commitTransaction();
    await hold.release();
    expect((await making).status).toBe(401);
    expect(await api.database.query<object[]>("SELECT 1 FROM api_key WHERE name = 'racing-child'")).toEqual([]);
  });

  it('can never do more than its owner can now', async () => {
    await makeUser(api, 'eve', everywhere('admin'));
    const eve = fromPage(api, await signIn(api, 'eve'));
    const key = await makeKey(api, eve, { name: 'eves', roles: everywhere('admin') });
    expect(await status(key, 'POST', '/api/agents', { name: 'made-by-eve' })).toBe(201);
    await api.call('PUT', '/api/users/eve', { roles: everywhere('auditor') });
    expect(await status(key, 'POST', '/api/agents', { name: 'made-by-eve-2' })).toBe(403);
    expect(await status(key, 'GET', '/api/agents')).toBe(200);
    await api.call('PUT', '/api/users/eve', { disabled: true });
    expect(await status(key, 'GET', '/api/agents')).toBe(401);
    await api.call('PUT', '/api/users/eve', { disabled: false });
    expect(await status(key, 'GET', '/api/agents')).toBe(200);
    await api.call('DELETE', '/api/users/eve');
    expect(await status(key, 'GET', '/api/agents')).toBe(401);
  });

  it('is dead when it was revoked, and when it is over', async () => {
    const [revoked, over] = [
      await makeKey(api, admin, { name: 'revoked' }),
      await makeKey(api, admin, { name: 'over', expiresInDays: 1 }),
    ];
    expect(await status(admin, 'DELETE', '/api/api-keys/revoked')).toBe(204);
    await api.database.query(`UPDATE api_key SET expires_at = now() WHERE name = 'over'`);
    expect([await status(revoked, 'GET', '/api/me'), await status(over, 'GET', '/api/me')]).toEqual([401, 401]);
    expect(await status(admin, 'DELETE', '/api/api-keys/revoked')).toBe(204);
  });

  it('with a flipped checksum is refused without a look-up', async () => {
    const key = await makeKey(api, admin, { name: 'typo' });
    const text = key['authorization'] ?? '';
    const last = text.at(-1) === '0' ? '1' : '0';
    const query = vi.spyOn(api.database, 'query');
    const answer = await callAs(api, { authorization: text.slice(0, -1) + last }, 'GET', '/api/me');
    const asked = query.mock.calls.map(([sql]) => String(sql)).filter((sql) => sql.includes('api_key'));
    query.mockRestore();
    expect(answer.status).toBe(401);
    expect(asked).toEqual([]);
    expect(await status(key, 'GET', '/api/me')).toBe(200);
  });

  it('has its use written down, at most every five minutes', async () => {
    const key = await makeKey(api, admin, { name: 'used' });
    const usedAt = async () =>
      ((await callAs(api, admin, 'GET', '/api/api-keys/used')).json as { usedAt: string | null }).usedAt;
    expect(await usedAt()).toBeNull();
    await status(key, 'GET', '/api/me');
    const first = await usedAt();
    expect(first).not.toBeNull();
    await status(key, 'GET', '/api/me');
    expect(await usedAt()).toBe(first);
    await api.database.query(`UPDATE api_key SET used_at = now() - interval '6 minutes' WHERE name = 'used'`);
    await status(key, 'GET', '/api/me');
    expect(await usedAt()).not.toBe(first);
  });
});

describe('escalation by keys', () => {
  it('is refused: no key has roles that its maker has not', async () => {
    for (const roles of [everywhere('owner'), everywhere('admin'), everywhere('agent-manager')])
      expect(await status(operator, 'POST', '/api/api-keys', { name: 'more', roles })).toBe(403);
    expect(await status(operator, 'POST', '/api/api-keys', { name: 'same', roles: everywhere('operator') })).toBe(201);
    expect(await status(admin, 'POST', '/api/api-keys', { name: 'more', roles: everywhere('owner') })).toBe(403);
  });

  it('is in vain: a key that ends makes no key that ends later', async () => {
    const short = await makeKey(api, admin, { name: 'short', expiresInDays: 1 });
    const endOf = async (headers: Record<string, string>, name: string, expiresInDays: number | null) => {
      await makeKey(api, headers, { name, roles: everywhere('auditor'), expiresInDays });
      const { json } = await callAs(api, admin, 'GET', `/api/api-keys/${name}`);
      return (json as { expiresAt: string | null }).expiresAt;
    };
    const shown = (await callAs(api, admin, 'GET', '/api/api-keys/short')).json as { expiresAt: string };
    expect(await endOf(short, 'child-for-ever', null)).toBe(shown.expiresAt);
    expect(await endOf(short, 'child-of-a-year', 365)).toBe(shown.expiresAt);
    expect(await endOf(admin, 'for-ever', null)).toBeNull();
  });

  it('is refused: a limited key makes no key that is less limited, and none without the action for it', async () => {
    const key = await makeKey(api, admin, {
      name: 'maker',
      actions: ['own:api-key', 'secret:read'],
      environments: ['staging'],
    });
    const make = (body: object) => status(key, 'POST', '/api/api-keys', { name: 'child', ...body });
    const roles = [{ role: 'admin', environments: ['staging'] }];
    expect(await make({})).toBe(400);
    expect(await make({ roles })).toBe(403);
    expect(await make({ roles, actions: ['secret:read'] })).toBe(400);
    expect(await make({ roles, actions: ['secret:read', 'secret:delete'], environments: ['staging'] })).toBe(403);
    expect(await make({ roles: everywhere('admin'), actions: ['secret:read'], environments: ['staging'] })).toBe(403);
    expect(await make({ roles, actions: ['secret:read'], environments: ['prod'] })).toBe(400);
    expect(await make({ roles, actions: ['secret:read'], environments: ['staging'] })).toBe(201);
    const reader = await makeKey(api, admin, { name: 'reader', actions: ['secret:read'] });
    expect(await status(reader, 'POST', '/api/api-keys', { name: 'child-2' })).toBe(403);
  });

  it('is refused: nobody reads or revokes the keys of others but those who manage them', async () => {
    await makeKey(api, admin, { name: 'adas' });
    expect(await status(operator, 'GET', '/api/api-keys/adas')).toBe(404);
    expect(await status(operator, 'GET', '/api/api-keys?all=true')).toBe(403);
    expect(await status(operator, 'DELETE', '/api/api-keys/adas')).toBe(403);
    expect((await callAs(api, operator, 'GET', '/api/api-keys')).text).not.toContain('adas');
    expect(await status(admin, 'DELETE', '/api/api-keys/same')).toBe(204);
  });

  it('is refused: a key changes no password, of its owner or of others', async () => {
    const key = await makeKey(api, admin, { name: 'no-password' });
    const change = { currentPassword: 'x', password: 'Ein-anderer-Wombat-55' };
    expect(await status(key, 'PUT', '/api/me/password', change)).toBe(403);
  });
});
