import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { type Served, serve } from '../../api/testing/serve.ts';
import { guardedUser } from '../../keys/guarded-rows.ts';
import { type Assignment, everywhere } from '../principal.ts';
import { callAs, fromPage, makeUser, passwordOf, signIn } from '../testing/people.ts';

let api: Served;
const pages: Record<string, Record<string, string>> = {};
beforeAll(async () => {
  api = await serve(await freshDatabase());
  const people: Record<string, readonly Assignment[]> = {
    ada: everywhere('admin'),
    audrey: everywhere('auditor'),
    stan: [{ role: 'admin', environments: ['staging'] }],
  };
  for (const [name, roles] of Object.entries(people)) {
    await makeUser(api, name, roles);
    pages[name] = fromPage(api, await signIn(api, name));
  }
});
afterAll(() => api.stop());

const as = async (who: string, method: string, path: string, body?: unknown) =>
  callAs(api, pages[who] ?? {}, method, path, body);

describe('the last owner', () => {
  it('is not removed, disabled, demoted or reset, by anybody, also himself', async () => {
    const tries: [string, string, unknown?][] = [
      ['DELETE', '/api/users/admin'],
      ['PUT', '/api/users/admin', { disabled: true }],
      ['PUT', '/api/users/admin', { roles: everywhere('admin') }],
      ['PUT', '/api/users/admin', { roles: [{ role: 'owner', environments: ['prod'] }] }],
      ['POST', '/api/users/admin/reset'],
    ];
    for (const [method, path, body] of tries) {
      const answer = await api.call(method, path, body);
      expect(answer.status, `${method} ${path}`).toBe(409);
      expect(answer.json).toMatchObject({ error: { code: 'LAST_OWNER' } });
    }
    // One who was invited and has no password cannot sign in: he is no second owner yet.
    await api.call('POST', '/api/users', { name: 'heir', roles: everywhere('owner') });
    expect((await api.call('DELETE', '/api/users/admin')).status).toBe(409);
    expect((await api.call('DELETE', '/api/users/heir')).status).toBe(204);
  });

  it('is never gone, when two owners remove each other at the same time', async () => {
    await makeUser(api, 'otto', everywhere('owner'));
    pages['otto'] = fromPage(api, await signIn(api, 'otto'));
    const both = await Promise.all([
      as('otto', 'PUT', '/api/users/admin', { disabled: true }),
      api.call('PUT', '/api/users/otto', { disabled: true }),
    ]);
    expect(both.map(({ status }) => String(status)).sort()).not.toEqual(['200', '200']);
    const rows = await api.database.query<object[]>(
      "SELECT 1 FROM user_account WHERE role = 'owner' AND NOT is_disabled",
    );
    expect(rows).toHaveLength(1);
    await as('otto', 'PUT', '/api/users/admin', { disabled: false });
    await api.call('PUT', '/api/users/otto', { disabled: false });
    expect((await api.call('DELETE', '/api/users/otto')).status).toBe(204);
  });
});

describe('escalation by users', () => {
  it('is refused: nobody makes a user with more than he has', async () => {
    expect((await as('ada', 'POST', '/api/users', { name: 'x', roles: everywhere('owner') })).status).toBe(403);
    expect((await as('ada', 'POST', '/api/users', { name: 'x', roles: everywhere('admin') })).status).toBe(201);
    const notOwners = [
      { role: 'auditor', environments: ['*'] },
      { role: 'owner', environments: ['*'] },
    ];
    expect((await as('ada', 'PUT', '/api/users/x', { roles: notOwners })).status).toBe(403);
    for (const who of ['audrey', 'stan'])
      for (const roles of [everywhere('owner'), everywhere('auditor'), [{ role: 'admin', environments: ['staging'] }]])
        expect((await as(who, 'POST', '/api/users', { name: 'y', roles })).status).toBe(403);
  });

  it('is refused: nobody takes over, disables, demotes or removes one who has more', async () => {
    for (const [method, path, body] of [
      ['POST', '/api/users/admin/reset'],
      ['PUT', '/api/users/admin', { disabled: true }],
      ['PUT', '/api/users/admin', { roles: everywhere('auditor') }],
      ['DELETE', '/api/users/admin'],
    ] as const) {
      expect((await as('ada', method, path, body)).status, `${method} ${path}`).toBe(403);
      expect((await as('stan', method, path, body)).status, `${method} ${path}`).toBe(403);
    }
  });

  it('is refused: nobody gives himself more', async () => {
    expect((await as('ada', 'PUT', '/api/users/ada', { roles: everywhere('owner') })).status).toBe(403);
    expect((await as('stan', 'PUT', '/api/users/stan', { roles: everywhere('admin') })).status).toBe(403);
    expect((await as('audrey', 'PUT', '/api/users/audrey', { roles: everywhere('admin') })).status).toBe(403);
  });

  it('is refused: an admin of one environment does not leave it', async () => {
    for (const name of ['prod/k', 'staging/k'])
      await api.call('POST', '/api/secrets', { name, value: 'x', binding: { hosts: ['api.example.com'] } });
    const evil = { binding: { hosts: ['evil.example.com'] } };
    expect((await as('stan', 'PUT', '/api/secrets/prod%2Fk', evil)).status).toBe(403);
    expect((await as('stan', 'PUT', '/api/secrets/staging%2Fk', evil)).status).toBe(200);
    expect((await as('stan', 'GET', '/api/secrets/prod%2Fk')).status).toBe(403);
    expect((await as('stan', 'DELETE', '/api/secrets/prod%2Fk')).status).toBe(403);
    expect((await as('stan', 'POST', '/api/agents', { name: 'stans' })).status).toBe(403);
    await api.call('POST', '/api/agents', { name: 'worker' });
    expect((await as('stan', 'POST', '/api/agents/worker/rotate')).status).toBe(403);
  });
});

describe('a link by which a password is set', () => {
  it('is void when the roles of its user change, or he is disabled: who holds it has what the user was then', async () => {
    const reset = async (): Promise<string> => {
      const { token } = (await api.call('POST', '/api/users/rita/reset')).json as { token: string };
      return token;
    };
    const set = async (token: string) =>
      (await callAs(api, {}, 'POST', '/api/password', { token, password: 'Wombat-Ofen-rita-8821' })).status;
    await makeUser(api, 'rita', everywhere('auditor'));
    const before = await reset();
    await api.call('PUT', '/api/users/rita', { roles: everywhere('admin') });
    expect(await set(before)).toBe(401);
    const disabled = await reset();
    await api.call('PUT', '/api/users/rita', { disabled: true });
    await api.call('PUT', '/api/users/rita', { disabled: false });
    expect(await set(disabled)).toBe(401);
    expect(await set(await reset())).toBe(200);
  });
});

describe('one who is held after a restore', () => {
  const held = (isHeld: boolean) =>
    api.database.query("UPDATE user_account SET is_held = $1 WHERE name = 'held'", [isHeld]);
  const conflict = {
    error: { code: 'CONFLICT', message: expect.stringContaining('onecli restore --confirm') as unknown },
  };

  it('is shown as held beside his state, neither enabled nor reset, and can be disabled and have other roles', async () => {
    await makeUser(api, 'held', everywhere('admin'));
    await held(true);
    expect((await api.call('PUT', '/api/users/held', { disabled: false })).json).toMatchObject(conflict);
    expect((await api.call('POST', '/api/users/held/reset')).json).toMatchObject(conflict);
    const asked = await api.graphql('{ user(name: "held") { state isHeld } }');
    expect(asked).toMatchObject({ data: { user: { state: 'ACTIVE', isHeld: true } } });
    const others = { roles: everywhere('auditor'), disabled: true };
    const { roles } = others;
    const shown = { roles, state: 'disabled', isHeld: true };
    expect((await api.call('PUT', '/api/users/held', others)).json).toMatchObject(shown);
    await held(false);
    expect((await api.call('GET', '/api/users/held')).json).toMatchObject({ state: 'disabled', isHeld: false });
    await expect(signIn(api, 'held')).rejects.toThrow('is not signed in');
    expect((await api.call('PUT', '/api/users/held', { disabled: false })).status).toBe(200);
  });

  it('has no link that does anything', async () => {
    const { token } = (await api.call('POST', '/api/users/held/reset')).json as { token: string };
    const set = () => callAs(api, {}, 'POST', '/api/password', { token, password: passwordOf('held') });
    await held(true);
    const refused = await set();
    expect([refused.status, refused.text]).toEqual([401, expect.stringContaining('ask for another')]);
    await held(false);
    expect((await set()).status).toBe(200);
  });
});

describe('a release that knows no roles by environment', () => {
  it('lets nobody in whose roles it cannot tell', async () => {
    const rows = await api.database.query<{ role: string }[]>("SELECT role FROM user_account WHERE name = 'stan'");
    expect(rows).toEqual([{ role: 'limited' }]);
  });

  it('left users whose one role holds everywhere', async () => {
    const old = { id: randomUUID(), name: 'old', passwordHash: 'x', role: 'auditor', assignments: null };
    await api.database.query(
      'INSERT INTO user_account (id, name, password_hash, role, mac) VALUES ($1, $2, $3, $4, $5)',
      [old.id, old.name, old.passwordHash, old.role, api.keys.rows.mac(guardedUser({ ...old, isDisabled: false }))],
    );
    expect((await api.call('GET', '/api/users/old')).json).toMatchObject({ roles: everywhere('auditor') });
  });
});

describe('the record', () => {
  it('has every write with what changed, who did it and from where, and every refused try', async () => {
    const answer = await api.call('PUT', '/api/users/audrey', { roles: everywhere('operator') });
    await as('stan', 'DELETE', '/api/secrets/prod%2Fk');
    await callAs(api, {}, 'POST', '/api/login', { user: 'ada', password: 'wrong' });
    await callAs(api, {}, 'POST', '/api/login', { user: 'a password typed as a name', password: 'wrong' });
    const { items } = (await api.call('GET', '/api/admin-events?limit=4')).json as { items: Record<string, unknown>[] };
    expect(items).toMatchObject([
      { principal: 'nobody', action: 'login', outcome: 'refused', reason: 'UNAUTHENTICATED', objectName: '' },
      { principal: 'nobody', action: 'login', outcome: 'refused', objectKind: 'user', objectName: 'ada' },
      {
        principal: 'user:stan',
        action: 'secret:delete',
        outcome: 'refused',
        reason: 'FORBIDDEN',
        objectName: 'prod/k',
      },
      {
        principal: 'user:admin',
        action: 'user:update',
        outcome: 'done',
        objectName: 'audrey',
        address: '127.0.0.1',
        requestId: answer.headers['x-request-id'],
        detail: {
          fields: ['roles'],
          before: { roles: everywhere('auditor') },
          after: { roles: everywhere('operator') },
        },
      },
    ]);
  });

  it('is read page by page, filtered, and shows an admin of one environment its secrets alone', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const path: string = `/api/admin-events?limit=7${after === null ? '' : `&after=${after}`}`;
      const page = (await api.call('GET', path)).json as { items: { id: string }[]; next: string | null };
      seen.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    const rows = await api.database.query<object[]>('SELECT 1 FROM admin_event');
    expect(new Set(seen).size).toBe(rows.length);
    const stans = (await as('stan', 'GET', '/api/admin-events?limit=200')).json as { items: { objectName: string }[] };
    expect(stans.items.length).toBeGreaterThan(0);
    expect(stans.items.filter(({ objectName }) => !objectName.startsWith('staging/'))).toEqual([]);
    const refused = (await api.call('GET', '/api/admin-events?outcome=refused&principal=user:stan')).json as {
      items: object[];
    };
    expect(refused.items.length).toBeGreaterThan(5);
  });

  it('is bounded for one who is refused all the time', async () => {
    const before = await api.database.query<object[]>("SELECT 1 FROM admin_event WHERE principal = 'user:stan'");
    for (let i = 0; i < 300; i++) await as('stan', 'DELETE', '/api/secrets/prod%2Fk');
    const after = await api.database.query<object[]>("SELECT 1 FROM admin_event WHERE principal = 'user:stan'");
    expect(after.length - before.length).toBeLessThanOrEqual(240);
    expect(api.logLines.join('')).toContain('are not recorded for the rest of a minute');
  });
});
