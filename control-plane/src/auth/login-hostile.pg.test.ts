import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, adminPassword, basic, serve } from '../api/testing/serve.ts';
import { PasswordLogin } from './passwords/password-login.ts';
import { verifyPassword } from './passwords/password.ts';
import { everywhere } from './principal.ts';
import { LoginLimiter } from './sessions/login-limiter.ts';
import { callAs, makeUser, passwordOf } from './testing/people.ts';
import { UserStore } from './users/user-store.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await makeUser(api, 'alice', everywhere('auditor'));
  await makeUser(api, 'disabled', everywhere('auditor'));
  await api.call('PUT', '/api/users/disabled', { disabled: true });
  await api.call('POST', '/api/users', { name: 'invited', roles: everywhere('auditor') });
});
afterAll(() => api.stop());

describe('unknown users', () => {
  it('cost the same work as known ones: one password hash each, also disabled and invited ones', async () => {
    const verify = vi.fn(verifyPassword);
    const logins = new PasswordLogin(
      new UserStore(api.database, api.keys.rows),
      new LoginLimiter(api.database),
      verify,
    );
    const costs: Record<string, [number, string]> = {};
    for (const user of ['alice', 'nobody', 'disabled', 'invited', 'no\0body', '']) {
      verify.mockClear();
      const answer = await logins.check(user, 'a wrong password', '192.0.2.1').catch((error: unknown) => error);
      const [, hash = ''] = verify.mock.calls[0] ?? [];
      costs[user] = [verify.mock.calls.length, hash.split('$').slice(0, 3).join('$')];
      expect(answer).toMatchObject({ code: 'UNAUTHENTICATED', message: 'The login is not right' });
    }
    for (const cost of Object.values(costs)) expect(cost).toEqual([1, '$scrypt$ln=15,r=8,p=3']);
  });

  it('get the same answer, by either way in', async () => {
    const texts = new Set<string>();
    for (const user of ['alice', 'nobody', 'disabled', 'invited']) {
      for (const answer of [
        await callAs(api, {}, 'POST', '/api/login', { user, password: 'wrong' }),
        await callAs(api, basic(user, 'wrong'), 'GET', '/api/me'),
      ]) {
        expect(answer.status).toBe(401);
        texts.add(answer.text.replace(/"requestId":"[^"]+"/, ''));
      }
    }
    expect(texts.size).toBe(1);
  });

  it('a disabled user is refused with the right password too, as if it were wrong', async () => {
    const answer = await callAs(api, {}, 'POST', '/api/login', { user: 'disabled', password: passwordOf('disabled') });
    expect(answer.json).toMatchObject({ error: { code: 'UNAUTHENTICATED', message: 'The login is not right' } });
  });
});

describe('concurrent logins beyond the limit', () => {
  it('are refused with 429 before a password is looked at, however they are mixed', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0
          ? callAs(api, {}, 'POST', '/api/login', { user: 'guessed', password: `guess ${i}` })
          : callAs(api, basic('guessed', `guess ${i}`), 'GET', '/api/me'),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([]);
  });

  it('are remembered by a control plane that starts anew', async () => {
    const other = await serve(api.config.databaseUrl);
    try {
      const answer = await callAs(other, {}, 'POST', '/api/login', { user: 'guessed', password: 'again' });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      await other.stop();
    }
  });

  it('leave those alone who are signed in', async () => {
    expect((await callAs(api, basic('admin', adminPassword), 'GET', '/api/me')).status).toBe(200);
  });
});

describe('a one-time link', () => {
  beforeAll(() => api.database.query('TRUNCATE login_limit'));

  it('sets a password once, for its user, and only a good one', async () => {
    const { token } = (await api.call('POST', '/api/users', { name: 'frank', roles: everywhere('auditor') })).json as {
      token: string;
    };
    const set = (password: string, text = token) => callAs(api, {}, 'POST', '/api/password', { token: text, password });
    expect((await set('short')).json).toMatchObject({ error: { code: 'INVALID', field: 'password' } });
    expect((await set('frank-frank-frank')).status).toBe(400);
    expect((await set(passwordOf('frank'), `${token.slice(0, -1)}x`)).status).toBe(401);
    const both = await Promise.all([set(passwordOf('frank')), set('Zweiter-Wombat-zugleich-1')]);
    expect(both.map(({ status }) => String(status)).sort()).toEqual(['200', '401']);
    expect((await set('Dritter-Wombat-danach-99')).status).toBe(401);
  });

  it('is over after its time, and when another is made', async () => {
    const { token } = (await api.call('POST', '/api/users', { name: 'gina', roles: everywhere('auditor') })).json as {
      token: string;
    };
    await api.database.query(`UPDATE user_link SET expires_at = now() - interval '1 second'`);
    const late = await callAs(api, {}, 'POST', '/api/password', { token, password: passwordOf('gina') });
    expect(late.status).toBe(401);
    const first = (await api.call('POST', '/api/users/gina/reset')).json as { token: string };
    const second = (await api.call('POST', '/api/users/gina/reset')).json as { token: string };
    const set = (text: string) =>
      callAs(api, {}, 'POST', '/api/password', { token: text, password: passwordOf('gina') });
    expect((await set(first.token)).status).toBe(401);
    expect((await set(second.token)).status).toBe(200);
  });
});
