import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { park } from '../api/testing/park.ts';
import { basic, type Served, serve } from '../api/testing/serve.ts';
import { everywhere } from './principal.ts';
import { SessionStore } from './sessions/session-store.ts';
import { StoredStanding } from './standing.ts';
import { callAs, fromPage, makeKey, makeUser, passwordOf, signIn } from './testing/people.ts';
import { wrongLogins } from './testing/wrong-logins.ts';

let api: Served;
const sockets: WebSocket[] = [];
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.terminate();
  await api.database.query('TRUNCATE login_limit');
});
afterAll(() => api.stop());

type Login = 'password' | 'session' | 'session token' | 'key';
const logins: readonly Login[] = ['password', 'session', 'session token', 'key'];

async function ownerBy(name: string, login: Login): Promise<Record<string, string>> {
  await makeUser(api, name, everywhere('owner'));
  const password = basic(name, passwordOf(name));
  if (login === 'password') return password;
  if (login === 'key') return makeKey(api, password, { name });
  const cookie = await signIn(api, name);
  return login === 'session'
    ? fromPage(api, cookie)
    : { authorization: `Bearer ${cookie.slice(cookie.indexOf('=') + 1)}` };
}

describe('wrong logins of somebody else at the same address', () => {
  it.each(logins)('do not undo a write by %s whose body is under way', async (login) => {
    const name = `writes-${login.replace(' ', '-')}`;
    const parked = await park(api, await ownerBy(name, login), 'POST', '/api/agents', { name });
    await wrongLogins(api, name);
    expect((await parked.release()).status).toBeLessThan(300);
  });

  it.each(logins)('do not end a subscription by %s, and do not keep one whose login ended', async (login) => {
    const name = `reads-${login.replace(' ', '-')}`;
    const headers = await ownerBy(name, login);
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    sockets.push(socket);
    const closes: [number, string][] = [];
    socket.on('close', (code, reason) => closes.push([code, String(reason)]));
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await wrongLogins(api, name);
    const looks = login.startsWith('session')
      ? vi.spyOn(SessionStore.prototype, 'find')
      : vi.spyOn(StoredStanding.prototype, 'now');
    await expect.poll(() => closes.length + looks.mock.calls.length, { timeout: 15_000 }).toBeGreaterThan(1);
    expect(closes).toEqual([]);
    const end = login === 'key' ? ['DELETE', `/api/api-keys/${name}`] : ['POST', `/api/users/${name}/reset`];
    expect((await api.call(end[0] ?? '', end[1] ?? '')).status).toBeLessThan(300);
    await expect.poll(() => closes, { timeout: 15_000 }).toEqual([[4403, 'UNAUTHENTICATED']]);
  });

  it('are still refused themselves', async () => {
    await makeUser(api, 'guessed', everywhere('auditor'));
    await wrongLogins(api, 'guessed');
    expect((await callAs(api, basic('guessed', passwordOf('guessed')), 'GET', '/api/me')).status).toBe(429);
  });
});
