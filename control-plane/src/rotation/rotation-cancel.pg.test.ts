import { createHmac } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { owner } from '../database/testing/open-services.ts';
import { providerHost } from './testing/provider.ts';
import { adminKey, firstKey, openRotationWorld } from './testing/rotation-world.ts';

const admin = { authorization: 'Bearer onecli://prod/admin' };
const recipe = {
  create: {
    url: `https://${providerHost}/keys`,
    headers: admin,
    valuePath: '$.data[0].secret',
    keyIdPath: '$.data[0].id',
  },
  verify: { method: 'GET', url: `https://${providerHost}/me`, headers: { authorization: 'Bearer {{new}}' } },
  revoke: { method: 'DELETE', url: `https://${providerHost}/keys/{{oldKeyId}}`, headers: admin },
  verifyEverySeconds: 0,
  watchSeconds: 60,
  graceSeconds: 60,
  currentKeyId: 'key-0',
};
const delivered = {
  generate: { length: 32 },
  deliver: { url: `https://${providerHost}/deliver`, headers: admin, body: '{"key":"{{new}}"}' },
  watchSeconds: 60,
  graceSeconds: 60,
};

let world: Awaited<ReturnType<typeof openRotationWorld>>;
let url = '';
let number = 0;
let name = '';
beforeAll(async () => {
  url = await freshDatabase();
  world = await openRotationWorld(url);
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `prod/cancelled-${++number}`;
  await world.makeSecret(name);
});

async function begin(change: object = {}): Promise<void> {
  await world.rotations.put(owner, name, { ...recipe, ...change });
  await world.rotations.run(owner, name);
}

const cancel = () => world.rotations.cancel(owner, name);
/** Takes what is delivered, or refuses it. */
function takeDeliveries(status: number): string[] {
  const taken: string[] = [];
  world.provider.override = (_request, response) => {
    const { path, body = '' } = world.provider.seen.at(-1) ?? {};
    if (path === '/deliver') taken.push(body);
    response.writeHead(status).end();
  };
  return taken;
}

describe('a rotation that is cancelled', () => {
  it.each(['CREATING', 'VERIFYING', 'SWITCHING'])('while it is %s leaves the old key, and no other', async (step) => {
    await begin();
    await world.until(name, step);
    expect((await cancel()).object).toMatchObject({ step: 'UNDOING', outcome: 'CANCELLED' });
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'CANCELLED' });
    expect([...world.provider.keys.keys()]).toEqual(['key-0']);
    expect(await world.atWorkers(name)).toEqual({ current: firstKey, versions: [1] });
    await expect(world.rotations.run(owner, name)).resolves.toBeDefined();
  });

  it('while the new version is watched brings the old one back, and ends the new key', async () => {
    await begin();
    await world.until(name, 'WATCHING');
    expect((await world.atWorkers(name)).current).not.toBe(firstKey);
    await cancel();
    expect((await world.atWorkers(name)).current).toBe(firstKey);
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'CANCELLED' });
    expect([...world.provider.keys.keys()]).toEqual(['key-0']);
    expect(await world.atWorkers(name)).toEqual({ current: firstKey, versions: [1] });
  });

  it('in its grace time ends there: the new version stays, and the old key is not ended', async () => {
    await begin({ watchSeconds: 0, graceSeconds: 60 });
    const run = await world.until(name, 'GRACE');
    const { object } = await cancel();
    expect(object).toMatchObject({ outcome: 'CANCELLED', finishedAt: expect.any(Date) as Date });
    await world.newEngine().advance(run?.id ?? '', new AbortController().signal);
    expect([...world.provider.keys.keys()]).toEqual(['key-0', 'key-2']);
    expect((await world.atWorkers(name)).versions).toEqual([1, 2]);
  });

  it.each(['REVOKING', 'UNDOING'])('is refused while it is %s', async (step) => {
    if (step === 'REVOKING') await begin({ watchSeconds: 0, graceSeconds: 0 });
    else await begin({ verify: { ...recipe.verify, expectStatus: [299] }, verifyAttempts: 1 });
    await world.until(name, step);
    const before = await world.run(name);
    await expect(cancel()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await world.run(name)).toEqual(before);
  });

  it('while the provider is asked has the answer come to nobody, and says that a key may be there', async () => {
    await begin();
    const run = await world.run(name);
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      world.provider.override = (_request, response) => {
        resolve();
        answer = () => void response.writeHead(201).end('{"data":[{"id":"key-9","secret":"sk-late"}]}');
      };
    });
    const step = world.newEngine().advance(run?.id ?? '', new AbortController().signal);
    await asked;
    await cancel();
    answer();
    await step;
    expect(await world.run(name)).toMatchObject({ outcome: 'CANCELLED', newVersion: null });
    expect((await world.until(name, 'never'))?.problem).toContain(
      'somebody cancelled it; the provider may have made a key',
    );
    expect(await world.atWorkers(name)).toEqual({ current: firstKey, versions: [1] });
  });

  it('is one that is under way, and is cancelled by who may rotate', async () => {
    await world.rotations.put(owner, name, recipe);
    await expect(cancel()).rejects.toMatchObject({ code: 'CONFLICT' });
    await world.rotations.run(owner, name);
    const auditor = { ...owner, assignments: everywhere('auditor') };
    await expect(world.rotations.cancel(auditor, name)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await world.run(name))?.step).toBe('CREATING');
    await cancel();
    const events = await world.services.dataSource.query<object[]>(
      "SELECT detail FROM admin_event WHERE action = 'rotation:cancelled' AND object_name = $1",
      [name],
    );
    expect(events).toMatchObject([{ detail: { step: 'CREATING' } }]);
  });
});

describe('a value that is handed over', () => {
  it('is delivered once, is the current one then, and stands in no recipe, run or event', async () => {
    await begin({ create: undefined, verify: undefined, revoke: undefined, currentKeyId: undefined, ...delivered });
    const taken = takeDeliveries(204);
    await world.until(name, 'WATCHING');
    const { current = '' } = await world.atWorkers(name);
    expect(taken).toEqual([JSON.stringify({ key: current })]);
    expect(world.provider.seen[0]).toMatchObject({ path: '/deliver', authorization: `Bearer ${adminKey}` });
    const tables = ['rotation', 'rotation_run', 'admin_event', 'secret', 'secret_version'];
    const written = await Promise.all(tables.map((table) => world.services.dataSource.query(`SELECT * FROM ${table}`)));
    for (const value of [current, adminKey, firstKey]) expect(JSON.stringify(written)).not.toContain(value);
  });

  it('that is not taken leaves the old one, and keeps what the provider may have after all', async () => {
    await begin({ create: undefined, verify: undefined, revoke: undefined, currentKeyId: undefined, ...delivered });
    const taken = takeDeliveries(503);
    expect(await world.until(name, 'never')).toMatchObject({
      outcome: 'FAILED',
      problem: expect.stringMatching(/answered 503; version 2 is kept/) as string,
    });
    // Each time the same one.
    expect([taken.length, new Set(taken).size]).toEqual([5, 1]);
    expect(await world.atWorkers(name)).toEqual({ current: firstKey, versions: [1, 2] });
  });

  it('and is in use is not taken back by a cancel: it may be all that is accepted', async () => {
    await begin({ create: undefined, verify: undefined, revoke: undefined, currentKeyId: undefined, ...delivered });
    takeDeliveries(204);
    await world.until(name, 'WATCHING');
    await expect(cancel()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await world.run(name)).toMatchObject({ step: 'WATCHING', outcome: null });
  });
});

describe('a webhook', () => {
  it('is signed with the key that the recipe names, over the body and the time, and never sends that key', async () => {
    const hooks: { signature: string; body: string; everything: string }[] = [];
    world.provider.override = ({ headers, url: target }, response) => {
      const { body = '' } = world.provider.seen.at(-1) ?? {};
      const signature = String(headers['x-onecli-signature']);
      hooks.push({ signature, body, everything: `${target} ${JSON.stringify(headers)} ${body}` });
      response.writeHead(200).end('{"value":"hooked-1"}');
    };
    const webhook = { url: `https://${providerHost}/hook`, secret: 'prod/admin' };
    await world.rotations.put(owner, name, { webhook, watchSeconds: 60, graceSeconds: 60 });
    await world.rotations.run(owner, name);
    await world.until(name, 'WATCHING');
    const [hook] = hooks;
    const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(hook?.signature ?? '') ?? [];
    expect(mac).toBe(createHmac('sha256', adminKey).update(`${time}.${hook?.body}`).digest('hex'));
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(300);
    expect(JSON.parse(hook?.body ?? '')).toMatchObject({ event: 'rotate', secret: name });
    expect(hook?.everything).not.toContain(adminKey);
    expect((await world.atWorkers(name)).current).toBe('hooked-1');
  });
});

describe('a switch in whose middle the control plane dies', () => {
  it('is not done, and is done by the next, once', async () => {
    await begin({ watchSeconds: 0, graceSeconds: 0 });
    const run = await world.until(name, 'SWITCHING');
    const { dataSource } = world.services;
    const other = new Client({ connectionString: url });
    await other.connect();
    try {
      // Whoever writes the secret waits for this row, with the transaction of the switch begun.
      await other.query('BEGIN');
      await other.query('SELECT FROM secret WHERE name = $1 FOR UPDATE', [name]);
      const died = world.newEngine().advance(run?.id ?? '', new AbortController().signal);
      const outcome = died.then(
        () => 'done',
        () => 'died',
      );
      await expect
        .poll(async () =>
          (
            await dataSource.query<{ ended: boolean }[]>(
              `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE "secret"%'`,
            )
          ).map(({ ended }) => ended),
        )
        .toEqual([true]);
      expect(await outcome).toBe('died');
    } finally {
      await other.query('ROLLBACK');
      await other.end();
    }
    expect(await world.run(name)).toMatchObject({ step: 'SWITCHING', outcome: null });
    expect((await world.atWorkers(name)).current).toBe(firstKey);
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'DONE' });
    expect([...world.provider.keys.keys()]).toEqual(['key-2']);
    const switches = await dataSource.query<object[]>(
      "SELECT FROM admin_event WHERE action = 'rotation:switched' AND object_name = $1",
      [name],
    );
    expect(switches).toHaveLength(1);
  });
});
