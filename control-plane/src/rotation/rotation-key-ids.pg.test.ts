import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { owner } from '../database/testing/open-services.ts';
import { SecretVault } from '../secrets/secret-vault.ts';
import { requireSecret } from '../secrets/require-secret.ts';
import { recipe } from './testing/key-recipe.ts';
import { providerHost } from './testing/provider.ts';
import { adminKey, firstKey, openRotationWorld } from './testing/rotation-world.ts';

let world: Awaited<ReturnType<typeof openRotationWorld>>;
let number = 0;
let name = '';
beforeAll(async () => {
  world = await openRotationWorld(await freshDatabase());
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `prod/named-${++number}`;
  await world.makeSecret(name);
});

async function begin(body: object): Promise<void> {
  await world.rotations.put(owner, name, body);
  await world.rotations.run(owner, name);
}

const failAll = (status: number): void => {
  world.provider.override = (_request, response) => void response.writeHead(status).end();
};

describe('what a provider calls a key', () => {
  const inPath = `https://${providerHost}/v1/projects/7/keys/{{oldKeyId}}`;
  const calls = () => world.provider.seen.map(({ method, path }) => `${method} ${path}`);

  it.each(['..', '.', '%2e%2E', 'a/../..', '..%5c', '%252e.', 'a\r\nb', 2 ** 53, ''])(
    'is not taken when it is %j, and no path is climbed by it',
    async (id) => {
      world.provider.override = (_request, response) =>
        void response.writeHead(201).end(JSON.stringify({ data: [{ id, secret: 'sk-new-1' }] }));
      await begin({ ...recipe, revoke: { ...recipe.revoke, url: inPath } });
      expect((await world.until(name, 'never'))?.problem).toContain('answered without a name of the key');
      expect(new Set(calls())).toEqual(new Set(['POST /keys']));
      const put = world.rotations.put(owner, name, { ...recipe, currentKeyId: String(id) });
      if (typeof id === 'string') await expect(put).rejects.toMatchObject({ code: 'INVALID', field: 'currentKeyId' });
      else await put;
    },
  );

  it.each(['k.1', 'a..b', 'projects/p/keys/1', 'k%20', '...', 'é?#&'])('is taken when it is %j', async (id) => {
    await begin({ ...recipe, currentKeyId: id, revoke: { ...recipe.revoke, url: `${inPath}/x?a=1` } });
    await world.until(name, 'REVOKING');
    failAll(204);
    await world.until(name, 'never');
    expect(calls().at(-1)).toBe(`DELETE /v1/projects/7/keys/${encodeURIComponent(id)}/x?a=1`);
  });

  it.each([
    ['..', inPath],
    ['.', inPath],
    ['.', `https://${providerHost}/v1/.{{oldKeyId}}`],
    ['.', `https://${providerHost}/v1/{{oldKeyId}}%2e/x`],
    ['.', `https://${providerHost}/v1/.\t{{oldKeyId}}?a`],
  ])('of a release that took %j leads nowhere in %j', async (id, url) => {
    await begin({ ...recipe, revoke: { ...recipe.revoke, url: url.replace('\t', '') } });
    await world.until(name, 'REVOKING');
    const { services } = world;
    const { manager } = services.dataSource;
    const vault = new SecretVault(services.keys);
    await vault.setKeyId(manager, await requireSecret(manager, name), 1, id);
    world.provider.seen.length = 0;
    await world.newEngine().advance((await world.run(name))?.id ?? '', new AbortController().signal);
    expect((await world.run(name))?.problem).toBe(
      `${providerHost} was not called: its URL would lead elsewhere, or hold a \`.\` or \`..\` in the path, or a \`#\``,
    );
    expect(calls()).toEqual([]);
  });

  it.each(['/a/../b', '/a/%2e%2E/b', '/a/.', '/a\\..\\b', '/a/.\t./b'])('stands in no URL with %j', async (path) => {
    const bad = { ...recipe, revoke: { ...recipe.revoke, url: `https://${providerHost}${path}` } };
    await expect(world.rotations.put(owner, name, bad)).rejects.toMatchObject({ code: 'INVALID', field: 'revoke.url' });
  });
});

describe('the key that signs for a webhook', () => {
  const hook = (secret: string) => ({
    webhook: { url: `https://${providerHost}/h`, secret },
    watchSeconds: 0,
    graceSeconds: 0,
  });
  const binding = { hosts: [providerHost] };

  it('has to be bound to its host when the recipe is written', async () => {
    await world.services.secrets.create(owner, { name: 'prod/pin', value: 'pin-4711' });
    const refused = { code: 'INVALID', field: 'webhook.secret' };
    await expect(world.rotations.put(owner, name, hook('prod/pin'))).rejects.toMatchObject(refused);
    await expect(world.rotations.put(owner, name, hook('prod/none'))).rejects.toMatchObject(refused);
  });

  it.each([
    ['is not bound to provider.example', { binding: { hosts: ['other.example'] } }],
    ['is disabled', { isDisabled: true }],
    ['has expired', { expiresAt: '2020-01-01T00:00:00Z' }],
  ])('signs nothing when it %s afterwards', async (problem, change) => {
    const key = `prod/hook-${number}`;
    await world.services.secrets.create(owner, { name: key, value: adminKey, binding });
    await begin(hook(key));
    await world.services.secrets.put(owner, key, change);
    const run = await world.until(name, 'never');
    expect(run?.problem).toBe(`${providerHost} was not called: ${key} ${problem}`);
    expect(world.provider.seen).toEqual([]);
    expect((await world.atWorkers(name)).current).toBe(firstKey);
  });
});
