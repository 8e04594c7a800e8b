import { routeContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let routes: typeof services.routes;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  routes = services.routes;
  const binding = { hosts: ['api.example.com'], surfaces: ['header'] };
  await services.secrets.create(owner, { name: 'prod/key', value: 'v', binding });
  await services.secrets.create(owner, { name: 'prod/doomed', value: 'v', binding });
});
afterAll(() => services.close());

const good = {
  secret: 'prod/key',
  hosts: ['API.example.com'],
  inject: [{ header: { name: 'Authorization', template: 'Bearer {secret}' } }],
};
const body = { secret: 'prod/key', hosts: ['api.example.com'], paths: [], methods: [], inject: good.inject };

describe('RouteService', () => {
  it('seals a route for its row and version, and gives it to workers', async () => {
    const written = await routes.create(owner, { name: 'openai', ...good });
    expect(written).toMatchObject({
      change: 'CREATED',
      object: { name: 'openai', version: 1, ...body, problem: null },
    });
    const { routes: sealed } = await services.source.changesSince(written.revision - 1);
    expect(sealed).toMatchObject([{ id: written.object.id, name: 'openai', version: 1 }]);
    const text = open(
      services.keys.keyring,
      routeContext(written.object.id, 1),
      sealed[0]?.sealedBody ?? Buffer.alloc(0),
    );
    expect(JSON.parse(text.toString())).toEqual(body);
  });

  it('replaces as a whole, says when nothing changed, and removes', async () => {
    await routes.create(owner, { name: 'changing', ...good });
    expect((await routes.replace(owner, 'changing', good)).change).toBe('UNCHANGED');
    const inject = [{ remove: { query: 'k' } }, { query: { name: 'key', template: '{secret}' } }];
    const changed = await routes.replace(owner, 'changing', { ...good, inject });
    expect(changed.object).toMatchObject({
      version: 2,
      inject,
      problem: 'The secret prod/key is not bound to the surface query',
    });
    const removed = await routes.remove(owner, 'changing');
    expect(removed.change).toBe('DELETED');
    expect((await services.source.changesSince(removed.revision - 1)).removedIds).toEqual([changed.object.id]);
    expect((await routes.remove(owner, 'changing')).change).toBe('UNCHANGED');
  });

  it('keeps a route whose secret was deleted, and says that it does nothing', async () => {
    await routes.create(owner, { name: 'orphan', ...good, secret: 'prod/doomed' });
    await services.secrets.remove(owner, 'prod/doomed');
    const { items } = await routes.list(owner);
    expect(items.find(({ name }) => name === 'orphan')?.problem).toBe('There is no secret prod/doomed');
  });

  it.each([
    ['a secret that does not exist', { secret: 'prod/none' }, 'secret'],
    ['no hosts', { hosts: [] }, 'hosts'],
    ['a bad path', { paths: ['v1'] }, 'paths[0]'],
    ['nothing to do', { inject: [] }, 'inject'],
    ['two things in one', { inject: [{ ...good.inject[0], remove: { header: 'x' } }] }, 'inject[0]'],
    [
      'a template without a secret',
      { inject: [{ header: { name: 'K', template: 'x' } }] },
      'inject[0].header.template',
    ],
    [
      'a template with a line break',
      { inject: [{ header: { name: 'K', template: '{secret}\r\nX: y' } }] },
      'inject[0].header.template',
    ],
    [
      'a header that frames the message',
      { inject: [{ header: { name: 'Content-Length', template: '{secret}' } }] },
      'inject[0].header.name',
    ],
    ['the host header', { inject: [{ header: { name: 'host', template: '{secret}' } }] }, 'inject[0].header.name'],
    ['a name that is no header', { inject: [{ remove: { header: 'a b' } }] }, 'inject[0].remove.header'],
    ['a path with a query', { inject: [{ path: { template: '/a?k={secret}' } }] }, 'inject[0].path.template'],
    ['a path with dot segments', { inject: [{ path: { template: '/../{secret}' } }] }, 'inject[0].path.template'],
    ['an unknown field', { header: {} }, 'header'],
  ])('refuses %s by its field, and writes nothing', async (_what, change, field) => {
    await expect(routes.create(owner, { name: 'refused', ...good, ...change })).rejects.toMatchObject({
      code: 'INVALID',
      field,
    });
    await expect(routes.get(owner, 'refused')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('does not open a route whose row was swapped with another', async () => {
    await routes.create(owner, { name: 'swapped', ...good });
    await services.dataSource.query(
      "UPDATE route SET sealed_body = (SELECT sealed_body FROM route WHERE name = 'openai') WHERE name = 'swapped'",
    );
    await expect(routes.get(owner, 'swapped')).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
