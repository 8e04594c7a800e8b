import { everywhere, type Principal } from '../auth/principal.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

let services: Awaited<ReturnType<typeof openServices>>;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  await services.secrets.create(owner, { name: 'prod/openai', value: 'sk-real' });
});
afterAll(() => services.close());

const inject = [{ header: { name: 'authorization', template: 'Bearer {secret}' } }];
const route = (name: string) => ({ name, secret: 'prod/openai', hosts: ['api.openai.com'], inject });
const stored = () =>
  services.dataSource.query(
    `SELECT (SELECT revision FROM config_state), (SELECT json_agg(p.*) FROM policy p), (SELECT json_agg(r.*) FROM route r),
       (SELECT json_agg(a.*) FROM agent a), (SELECT count(*) FROM admin_event)`,
  );

/** The three kinds are written alike: what holds for one holds for all. */
const kinds = [
  {
    kind: 'policy',
    first: (name: string) => ({ name, agents: [], mode: 'monitor', rules: [] }),
    second: { rules: [{ deny: { hosts: ['a.example'] } }] },
    shown: { mode: 'monitor', rules: [{ deny: { hosts: ['a.example'] } }] },
    reset: [{ mode: null }, { mode: 'enforce' }],
    service: () => services.policies,
  },
  {
    kind: 'route',
    first: (name: string) => ({ ...route(name), methods: ['GET'] }),
    second: { hosts: ['b.example'] },
    shown: { hosts: ['b.example'], methods: ['GET'] },
    reset: [{ methods: null }, { methods: [] }],
    service: () => services.routes,
  },
  {
    kind: 'agent',
    first: (name: string) => ({ name, labels: { team: 'a' }, isDisabled: true }),
    second: { isDisabled: false },
    shown: { isDisabled: false, labels: { team: 'a' } },
    reset: [{ labels: null }, { labels: {} }],
    service: () => services.agents,
  },
] as const;

describe.each(kinds)('an upsert of a $kind', ({ kind, first, second, shown, reset, service }) => {
  it('makes what is absent, then changes what is said and nothing else, then nothing', async () => {
    const name = `${kind}-upserted`;
    const created = await service().upsert(owner, first(name));
    expect(created).toMatchObject({ change: 'CREATED', object: { name, revision: created.revision } });
    const updated = await service().upsert(owner, { name, ...second });
    expect(updated).toMatchObject({ change: 'UPDATED', object: { ...shown, revision: created.revision + 1 } });
    const before = await stored();
    expect(await service().upsert(owner, { name, ...second })).toMatchObject({
      change: 'UNCHANGED',
      revision: updated.revision,
      object: { ...shown, revision: updated.revision },
    });
    expect(await stored()).toEqual(before);
  });

  it('tells null, which is the default, from absent', async () => {
    const name = `${kind}-null`;
    await service().upsert(owner, first(name));
    const [given, after] = reset;
    expect(await service().upsert(owner, { name, ...given })).toMatchObject({ change: 'UPDATED', object: after });
  });

  it('finds, writes and removes by id as by name', async () => {
    const { object } = await service().upsert(owner, first(`${kind}-by-id`));
    const { id } = object;
    expect(await service().get(owner, { id })).toMatchObject({ name: `${kind}-by-id` });
    expect(await service().upsert(owner, second, { ref: { id } })).toMatchObject({ change: 'UPDATED', object: shown });
    await expect(service().upsert(owner, { ...second, name: 'other' }, { ref: { id } })).rejects.toMatchObject({
      code: 'INVALID',
      field: 'name',
    });
    expect(await service().remove(owner, { id })).toMatchObject({ change: 'DELETED' });
    expect(await service().remove(owner, { id })).toMatchObject({ change: 'UNCHANGED' });
    await expect(service().get(owner, { id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(service().upsert(owner, second, { ref: { id } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(service().get(owner, { id: "' OR true --" })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused when the object was written after the revision that the caller knows', async () => {
    const name = `${kind}-conditional`;
    const { revision } = await service().upsert(owner, first(name), { ifRevision: 0 });
    await service().upsert(owner, first(`${kind}-other`));
    await service().upsert(owner, { name, ...second }, { ifRevision: revision });
    const before = await stored();
    const [given] = reset;
    for (const ifRevision of [0, revision]) {
      await expect(service().upsert(owner, { name, ...given }, { ifRevision })).rejects.toMatchObject({
        code: 'CONFLICT',
        field: 'ifRevision',
      });
      await expect(service().remove(owner, name, { ifRevision })).rejects.toMatchObject({ code: 'CONFLICT' });
    }
    await expect(service().upsert(owner, first(`${kind}-gone`), { ifRevision: revision })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(await service().upsert(owner, { name, ...second }, { ifRevision: 0 })).toMatchObject({
      change: 'UNCHANGED',
    });
    expect(await service().remove(owner, `${kind}-gone`, { ifRevision: revision })).toMatchObject({
      change: 'UNCHANGED',
    });
    expect(await stored()).toEqual(before);
  });

  it('leaves nothing of what is refused', async () => {
    const before = await stored();
    await expect(service().upsert(owner, { ...first(`${kind}-bad`), colour: 'red' })).rejects.toMatchObject({
      code: 'INVALID',
      field: 'colour',
    });
    await expect(service().upsert(owner, second)).rejects.toMatchObject({ code: 'INVALID', field: 'name' });
    expect(await stored()).toEqual(before);
  });

  it('needs the role for what it turns out to do', async () => {
    const name = `${kind}-roles`;
    const auditor: Principal = { kind: 'user', name: 'aud', assignments: everywhere('auditor') };
    const before = await stored();
    await expect(service().upsert(auditor, first(name))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(service().upsert(auditor, { nonsense: true })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const operator: Principal = { kind: 'user', name: 'ops', assignments: everywhere('operator') };
    await expect(service().upsert(operator, first(name))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(service().remove(operator, name)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await stored()).toEqual(before);
  });
});

describe('several writes in one change', () => {
  it('have one revision, and are undone together', async () => {
    const { change, agents, policies, routes } = services;
    const { result, revision } = await change.changeConfig(owner, async (tx) => [
      await agents.upsertIn(tx, owner, { name: 'together' }),
      await policies.upsertIn(tx, owner, { name: 'together', agents: ['together'], rules: [] }),
      await routes.upsertIn(tx, owner, route('together')),
    ]);
    expect(result.map(({ change: done, object }) => [done, object.revision])).toEqual(
      Array.from({ length: 3 }, () => ['CREATED', revision]),
    );
    const before = await stored();
    const failing = change.changeConfig(owner, async (tx) => {
      expect(await policies.removeIn(tx, owner, 'together')).toBe('DELETED');
      expect(await policies.removeIn(tx, owner, 'together')).toBe('UNCHANGED');
      expect(await agents.removeIn(tx, owner, 'together')).toBe('DELETED');
      await routes.upsertIn(tx, owner, { name: 'together', secret: 'prod/none' });
    });
    await expect(failing).rejects.toMatchObject({ code: 'INVALID', field: 'secret' });
    expect(await stored()).toEqual(before);
  });

  it('mark the revision of an object that a write forgot to mark', async () => {
    const { object } = await services.agents.upsert(owner, { name: 'forgotten' });
    const { revision } = await services.change.changeConfig(owner, (tx) => {
      tx.changed('agent', object.id, 'upsert');
      tx.audit('agent:update', 'agent', 'forgotten');
      return Promise.resolve();
    });
    expect(await services.agents.get(owner, 'forgotten')).toMatchObject({ revision });
  });
});
