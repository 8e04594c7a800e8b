import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, makeKey, makeUser, passwordOf } from '../auth/testing/people.ts';
import { StoredStanding } from '../auth/standing.ts';
import { wrongLogins } from '../auth/testing/wrong-logins.ts';
import { adminPassword, basic, type Served, serve } from './testing/serve.ts';

let api: Served;
const sockets: Socket[] = [];
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  vi.restoreAllMocks();
  await api.database.query('TRUNCATE login_limit');
});
afterAll(() => api.stop());

const as = (name: string) => basic(name, passwordOf(name));

/** Sends a request by hand, and reads what comes. */
function send(head: readonly string[], body = ''): { readonly socket: Socket; readonly heard: () => string } {
  const { hostname, port, host } = new URL(api.url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  socket.write([head[0], `Host: ${host}`, ...head.slice(1), '', body].join('\r\n'));
  return { socket, heard: () => text };
}

describe('a body without a login', () => {
  it.each(['login', 'password', 'logout'])('of /api/%s is refused unread when it is large', async (path) => {
    const { heard } = send([
      `POST /api/${path} HTTP/1.1`,
      'Content-Type: application/json',
      'Content-Length: 1000000',
      'Connection: close',
    ]);
    await expect.poll(heard, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('that does not come is not waited for as long as others are', async () => {
    const begun = performance.now();
    const { socket } = send(
      ['POST /api/login HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 100'],
      '{"user":',
    );
    await once(socket, 'close');
    expect(performance.now() - begun).toBeLessThan(20_000);
  }, 70_000);
});

describe('a body with a login', () => {
  it.each([
    ['agents', 2_000_000],
    ['plan', 9_000_000],
  ])('of /api/%s is refused unread when it is large', async (path, bytes) => {
    const { heard } = send([
      `POST /api/${path} HTTP/1.1`,
      `Authorization: ${basic('admin', adminPassword)['authorization']}`,
      'Content-Type: application/json',
      `Content-Length: ${bytes}`,
      'Connection: close',
    ]);
    await expect.poll(heard, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('large configurations', () => {
  it('are taken so many a minute of one principal, whichever key he sends them with', async () => {
    await makeUser(api, 'least', [{ role: 'agent-manager', environments: ['staging'] }]);
    const [one, two] = [
      await makeKey(api, as('least'), { name: 'one' }),
      await makeKey(api, as('least'), { name: 'two' }),
    ];
    const padded = `{"config":{}${' '.repeat(7_000_000)}}`;
    const answers: number[] = [];
    for (const headers of [one, two, as('least'), one])
      answers.push(
        (await callAs(api, { ...headers, 'content-type': 'application/json' }, 'POST', '/api/plan', padded)).status,
      );
    expect(answers).toEqual([200, 200, 200, 503]);
    expect((await callAs(api, one, 'POST', '/api/plan', { config: {} })).status).toBe(200);
    expect((await api.call('POST', '/api/plan', padded, { 'content-type': 'application/json' })).status).toBe(200);
  });
});

describe('an export', () => {
  beforeAll(async () => {
    const store = new AuditStore(api.database, api.keys.keyring);
    const event = { worker: 'w', revision: 1, requestId: 'r', agentId: undefined, agent: 'bot', decision: 'allow' };
    const request = { reason: 'ALLOWED', rule: undefined, host: 'a.example', port: 443, method: 'GET', status: 200 };
    const rest = { latencyMs: 1, requestBytes: 0, responseBytes: 0, secrets: [], findings: [] };
    for (let batch = 0; batch < 20; batch++) {
      const events = Array.from({ length: 500 }, (_, n) => {
        const timeMs = Date.now() - 1000 * (batch * 500 + n);
        return { ...event, ...request, ...rest, id: `e${batch}-${n}`, timeMs, path: `/${'x'.repeat(1500)}` };
      });
      await store.insert(events as never);
    }
  }, 60_000);

  /** Begins an export and reads of it only what its head is. */
  async function begin(name: string): Promise<Socket> {
    const { authorization = '' } = as(name);
    const { socket } = send([
      'GET /api/audit/export?format=csv HTTP/1.1',
      `Authorization: ${authorization}`,
      'Connection: close',
    ]);
    await once(socket, 'data');
    socket.pause();
    return socket;
  }

  const isOver = (name: string) =>
    api.logLines.some((line) => line.includes('/api/audit/export') && line.includes(`"principal":"${name}"`));

  it('goes on when somebody else sends wrong logins of its reader from the same address', async () => {
    await makeUser(api, 'guessed', everywhere('auditor'));
    await begin('guessed');
    await wrongLogins(api, 'guessed');
    const looks = vi.spyOn(StoredStanding.prototype, 'now');
    await expect.poll(() => isOver('guessed') || looks.mock.calls.length > 1, { timeout: 15_000 }).toBe(true);
    expect(isOver('guessed')).toBe(false);
  }, 60_000);

  it('is cut off when its reader may read no more', async () => {
    for (const [name, change] of [
      ['gone', { disabled: true }],
      ['moved', { roles: [{ role: 'auditor', environments: ['staging'] }] }],
    ] as const) {
      await makeUser(api, name, everywhere('auditor'));
      await begin(name);
      expect(isOver(name)).toBe(false);
      expect((await api.call('PUT', `/api/users/${name}`, change)).status).toBe(200);
      // The reader that takes nothing would be cut off after 30 seconds for that.
      await expect.poll(() => isOver(name), { timeout: 15_000 }).toBe(true);
    }
  }, 60_000);

  it('leaves others room: one reader has two at once', async () => {
    await makeUser(api, 'hog', everywhere('auditor'));
    await begin('hog');
    await begin('hog');
    const third = await callAs(api, as('hog'), 'GET', '/api/audit/export?format=csv');
    expect(third.status).toBe(503);
    expect((await api.call('GET', '/api/audit/export?format=csv&agent=nobody')).status).toBe(200);
  }, 60_000);
});

describe('connections for subscriptions', () => {
  it('are counted by user, whichever of his keys they come with', async () => {
    await makeUser(api, 'watcher', everywhere('auditor'));
    const keys = [await makeKey(api, as('watcher'), { name: 'w1' }), await makeKey(api, as('watcher'), { name: 'w2' })];
    const open: WebSocket[] = [];
    const answers = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const headers = keys[n % 2] ?? {};
        const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
        open.push(socket);
        return new Promise<string>((resolve) => {
          socket.on('open', () => resolve('open')).on('error', () => resolve('refused'));
        });
      }),
    );
    for (const socket of open) socket.terminate();
    expect(answers.filter((answer) => answer === 'open')).toHaveLength(20);
  });
});

describe('API keys', () => {
  it('are 50 at most of one user, those that are over not counted', async () => {
    await makeUser(api, 'maker', [{ role: 'agent-manager', environments: ['staging'] }]);
    for (let n = 0; n < 50; n++) await makeKey(api, as('maker'), { name: `maker-${n}` });
    const more = () => callAs(api, as('maker'), 'POST', '/api/api-keys', { name: 'maker-more' });
    const refused = await more();
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('revoke one');
    await api.database.query("UPDATE api_key SET expires_at = now() WHERE name = 'maker-7'");
    expect((await more()).status).toBe(201);
  }, 60_000);
});

describe('a secret of another environment', () => {
  it('is there or not: an upsert is refused in the same words', async () => {
    await api.call('POST', '/api/secrets', { name: 'prod/openai', value: 'v' });
    await makeUser(api, 'stan', [{ role: 'admin', environments: ['staging'] }]);
    const query = 'mutation($name: String) { upsertSecret(input: { name: $name, description: "x" }) { change } }';
    const said = async (name: string) =>
      (await callAs(api, as('stan'), 'POST', '/graphql', { query, variables: { name } })).json as { errors: object[] };
    const [there, absent] = [await said('prod/openai'), await said('prod/absent')];
    expect(JSON.stringify(there)).toContain('may not secret:update in prod');
    expect(there.errors[0]).toMatchObject({ message: (absent.errors[0] as { message: string }).message });
  });
});
