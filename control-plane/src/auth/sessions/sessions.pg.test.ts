import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { type Served, adminPassword, serve } from '../../api/testing/serve.ts';
import { everywhere } from '../principal.ts';
import { callAs, fromPage, makeUser, passwordOf, signIn } from '../testing/people.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  for (const name of ['alice', 'bob', 'carol', 'dora']) await makeUser(api, name, everywhere('auditor'));
});
afterAll(() => api.stop());

const statusWith = async (cookie: string): Promise<number> => (await callAs(api, { cookie }, 'GET', '/api/me')).status;
const login = (body: object, headers: Record<string, string> = {}) => callAs(api, headers, 'POST', '/api/login', body);

describe('a login', () => {
  it('gives a cookie that no script reads and no other site sends, and nothing of it in the body', async () => {
    const answer = await login({ user: 'alice', password: passwordOf('alice') });
    const cookie = answer.headers['set-cookie'] ?? '';
    expect(cookie).toMatch(/^onecli_session=ocs_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(answer.text).not.toContain('ocs_');
    expect(answer.json).toMatchObject({ user: 'alice', session: expect.any(String), expiresAt: expect.any(String) });
    expect((await callAs(api, { cookie: cookie.split(';')[0] ?? '' }, 'GET', '/api/me')).json).toMatchObject({
      kind: 'user',
      name: 'alice',
      roles: everywhere('auditor'),
    });
  });

  it('behind a proxy with TLS gives a __Host- cookie, and takes no other', async () => {
    const behind = await serve(api.config.databaseUrl, { trustedProxies: ['127.0.0.0/8'] });
    try {
      const tls = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
      const answer = await callAs(behind, tls, 'POST', '/api/login', { user: 'alice', password: passwordOf('alice') });
      const cookie = answer.headers['set-cookie'] ?? '';
      expect(cookie).toMatch(/^__Host-onecli_session=ocs_[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
      const [pair = ''] = cookie.split(';');
      const plain = pair.replace('__Host-', '');
      expect((await callAs(behind, { ...tls, cookie: pair }, 'GET', '/api/me')).status).toBe(200);
      expect((await callAs(behind, { ...tls, cookie: plain }, 'GET', '/api/me')).status).toBe(401);
      const { items } = (await callAs(behind, { ...tls, cookie: pair }, 'GET', '/api/sessions')).json as {
        items: { address: string }[];
      };
      expect(items[0]?.address).toBe('203.0.113.7');
    } finally {
      await behind.stop();
    }
  });

  it('believes nobody who is no trusted proxy where he comes from', async () => {
    const lying = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
    const answer = await login({ user: 'alice', password: passwordOf('alice') }, lying);
    expect(answer.headers['set-cookie']).not.toContain('Secure');
    const rows = await api.database.query<object[]>("SELECT 1 FROM user_session WHERE address = '203.0.113.7'");
    expect(rows.length).toBeLessThanOrEqual(1);
  });

  it('gives a program its session as a token, if it asks', async () => {
    const answer = await login({ user: 'alice', password: passwordOf('alice'), token: true });
    expect(answer.headers['set-cookie']).toBeUndefined();
    const { token } = answer.json as { token: string };
    const bearer = { authorization: `Bearer ${token}` };
    expect((await callAs(api, bearer, 'GET', '/api/me')).status).toBe(200);
    expect((await callAs(api, bearer, 'POST', '/api/logout')).status).toBe(204);
    expect((await callAs(api, bearer, 'GET', '/api/me')).status).toBe(401);
  });

  it('session fixation: a session that the client brings is never the one that it gets, and is over', async () => {
    const attackers = await signIn(api, 'bob');
    const answer = await login({ user: 'alice', password: passwordOf('alice') }, fromPage(api, attackers));
    const [victims = ''] = (answer.headers['set-cookie'] ?? '').split(';');
    expect(victims).not.toBe(attackers);
    expect(await statusWith(attackers)).toBe(401);
    const made = 'onecli_session=ocs_chosenbytheattackerchosenbytheattackerchose';
    const other = await login({ user: 'alice', password: passwordOf('alice') }, fromPage(api, made));
    expect(other.headers['set-cookie']).not.toContain('chosenbytheattacker');
    expect(await statusWith(made)).toBe(401);
  });

  it('cross-site forms: no page of another origin signs anybody in, in any form that a page can send', async () => {
    const body = { user: 'alice', password: passwordOf('alice') };
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const answer = await login(body, headers);
      expect(answer.status).toBe(403);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect((await callAs(api, { 'content-type': type }, 'POST', '/api/login', JSON.stringify(body))).status).toBe(
        415,
      );
  });
});

describe('a call by cookie', () => {
  it('writes only with the Origin of this page: missing Origin is refused, and so is another', async () => {
    const cookie = await signIn(api, 'alice');
    const revoke = (headers: Record<string, string>) =>
      callAs(api, headers, 'DELETE', '/api/sessions/6b1f0a52-7d9e-4f0e-8d5c-0123456789ab');
    expect((await revoke({ cookie })).status).toBe(403);
    expect((await revoke({ cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await revoke({ cookie, origin: `${api.url}.evil.example` })).status).toBe(403);
    expect((await revoke({ cookie, origin: api.url, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const graphql = { query: 'mutation { deleteAgent(name: "x") { change } }' };
    expect((await callAs(api, { cookie }, 'POST', '/graphql', graphql)).status).toBe(403);
    expect((await callAs(api, { cookie }, 'POST', '/api/logout')).status).toBe(403);
    expect(await statusWith(cookie)).toBe(200);
    // The auditor may not revoke that of somebody else: refused by his role, not by his origin.
    expect((await revoke(fromPage(api, cookie))).json).toMatchObject({
      error: { message: expect.stringContaining('role') },
    });
  });

  it('is signed in for nothing by a cookie that is too long, doubled, or no token', async () => {
    for (const cookie of [
      'onecli_session=',
      'onecli_session=x',
      `onecli_session=ocs_${'x'.repeat(4000)}`,
      "onecli_session=ocs_' OR true --",
      'onecli_session=%00',
      'onecli_session=a; onecli_session=b',
    ])
      expect(await statusWith(cookie)).toBe(401);
  });
});

describe('a stale or stolen session', () => {
  it('is worth nothing after its logout, for whoever has it', async () => {
    const cookie = await signIn(api, 'alice');
    const thiefs = cookie;
    expect((await callAs(api, fromPage(api, cookie), 'POST', '/api/logout')).status).toBe(204);
    expect(await statusWith(thiefs)).toBe(401);
    expect((await callAs(api, fromPage(api, cookie), 'POST', '/api/logout')).status).toBe(204);
  });

  it('ends when it is idle too long, and when it is too old however busy it is', async () => {
    const [idle, old] = [await signIn(api, 'bob'), await signIn(api, 'bob')];
    const ids = await api.database.query<{ id: string }[]>(
      `SELECT s.id FROM user_session s JOIN user_account u ON u.id = s.user_id WHERE u.name = 'bob' ORDER BY s.created_at`,
    );
    await api.database.query(`UPDATE user_session SET seen_at = now() - interval '121 minutes' WHERE id = $1`, [
      ids[0]?.id,
    ]);
    await api.database.query(`UPDATE user_session SET expires_at = now() WHERE id = $1`, [ids[1]?.id]);
    expect([await statusWith(idle), await statusWith(old)]).toEqual([401, 401]);
    expect((await api.call('GET', '/api/sessions?user=bob')).json).toEqual({ items: [] });
  });

  it('is seen by its user, who ends it from another', async () => {
    const [stolen, own] = [await signIn(api, 'carol'), await signIn(api, 'carol')];
    const { items } = (await callAs(api, { cookie: own }, 'GET', '/api/sessions')).json as { items: { id: string }[] };
    expect(items).toHaveLength(2);
    const end = await callAs(api, fromPage(api, own), 'DELETE', `/api/sessions/${items[1]?.id}`);
    expect(end.status).toBe(204);
    expect([await statusWith(stolen), await statusWith(own)]).toEqual([401, 200]);
  });

  it('is not ended, or seen, by somebody who may not', async () => {
    const carols = await signIn(api, 'carol');
    const { items } = (await api.call('GET', '/api/sessions?user=carol')).json as { items: { id: string }[] };
    await makeUser(api, 'mallory', everywhere('operator'));
    const mallory = fromPage(api, await signIn(api, 'mallory'));
    expect((await callAs(api, mallory, 'GET', '/api/sessions?user=carol')).status).toBe(403);
    expect((await callAs(api, mallory, 'DELETE', `/api/sessions/${items[0]?.id}`)).status).toBe(403);
    expect(await statusWith(carols)).toBe(200);
  });

  it('ends when its user is disabled, gets another password, is reset, or is deleted', async () => {
    const again = async () => signIn(api, 'dora');
    let cookie = await again();
    await api.call('PUT', '/api/users/dora', { disabled: true });
    expect(await statusWith(cookie)).toBe(401);
    await api.call('PUT', '/api/users/dora', { disabled: false });
    expect(await statusWith(cookie)).toBe(401);
    cookie = await again();
    const change = { currentPassword: passwordOf('dora'), password: 'Ein-anderer-Wombat-55' };
    expect((await callAs(api, fromPage(api, cookie), 'PUT', '/api/me/password', change)).status).toBe(204);
    expect(await statusWith(cookie)).toBe(401);
    cookie = await signIn(api, 'dora', 'Ein-anderer-Wombat-55');
    await api.call('POST', '/api/users/dora/reset');
    expect(await statusWith(cookie)).toBe(401);
    await makeUser(api, 'ernest', everywhere('auditor'));
    cookie = await signIn(api, 'ernest');
    await api.call('DELETE', '/api/users/ernest');
    expect(await statusWith(cookie)).toBe(401);
  });

  it('cannot change the password without knowing it', async () => {
    const cookie = await signIn(api, 'carol');
    const change = { currentPassword: 'not the password', password: 'Ein-anderer-Wombat-56' };
    expect((await callAs(api, fromPage(api, cookie), 'PUT', '/api/me/password', change)).status).toBe(401);
    expect(await statusWith(cookie)).toBe(200);
  });

  it('lies nowhere in the database, and nowhere in the log', async () => {
    const cookie = await signIn(api, 'alice');
    const token = cookie.split('=')[1] ?? '';
    const rows = await api.database.query<object[]>("SELECT s.*, encode(s.hash, 'escape') FROM user_session s");
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(api.logLines.join('')).not.toMatch(/ocs_|oci_/);
    expect(api.logLines.join('')).not.toContain(passwordOf('alice'));
    expect(api.logLines.join('')).not.toContain(adminPassword);
  });

  it('a user has fifty at most', async () => {
    await makeUser(api, 'busy', everywhere('auditor'));
    const first = await signIn(api, 'busy');
    for (let i = 0; i < 50; i++) await signIn(api, 'busy');
    expect(await statusWith(first)).toBe(401);
    expect((await api.call('GET', '/api/sessions?user=busy')).json).toMatchObject({ items: { length: 50 } });
  });
});
