import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

type Services = Awaited<ReturnType<typeof openServices>>;
let services: Services;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());

const bindingOf = (...hosts: string[]) => ({ hosts, surfaces: ['header'] });

/** Opens a version as a worker does: with the binding of the snapshot. */
async function valueOf(name: string, version?: number): Promise<string> {
  const { secrets } = await services.source.changesSince(undefined);
  const record = secrets.find((secret) => secret.name === name);
  const sealed = record?.versions.get(version ?? record.currentVersion);
  if (record === undefined || sealed === undefined) throw new Error(`no ${name} in the snapshot`);
  return open(
    services.keys.keyring,
    secretVersionContext(record.id, sealed.version, record.binding),
    sealed.sealed,
  ).toString();
}

/** All that the database holds of configuration, to see that a refused call left nothing. */
async function everything(): Promise<unknown> {
  const tables = ['config_state', 'config_change', 'secret', 'secret_version', 'admin_event'];
  return Promise.all(tables.map((table) => services.dataSource.query(`SELECT * FROM ${table} ORDER BY 1, 2`)));
}

describe('SecretService', () => {
  it('seals a value so that a worker opens it, and shows everything but the value', async () => {
    const written = await services.secrets.create(owner, {
      name: 'prod/openai',
      value: 'sk-real',
      description: 'for tests',
      binding: bindingOf('API.openai.com', 'api.openai.com'),
    });
    expect(written).toMatchObject({ change: 'CREATED', object: { name: 'prod/openai', version: 1, versions: [1] } });
    expect(written.object.binding).toEqual({ ...bindingOf('api.openai.com'), scrub: 'replace' });
    expect(await valueOf('prod/openai')).toBe('sk-real');
    expect(JSON.stringify([written, await services.secrets.get(owner, 'prod/openai')])).not.toContain('sk-real');
    expect(JSON.stringify(await everything())).not.toContain('sk-real');
  });

  it('makes a new version for each value and keeps the one before', async () => {
    await services.secrets.create(owner, { name: 'prod/two', value: 'one', binding: bindingOf('example.com') });
    const written = await services.secrets.put(owner, 'prod/two', { value: 'two' });
    expect(written).toMatchObject({ change: 'UPDATED', object: { version: 2, versions: [1, 2] } });
    expect(await valueOf('prod/two')).toBe('two');
    expect(await valueOf('prod/two', 1)).toBe('one');
  });

  it('makes an alias that nobody can guess, keeps it while its prefix is asked for, and gives it to workers', async () => {
    const created = await services.secrets.create(owner, { name: 'prod/shaped', value: 'v', alias: { prefix: 'sk-' } });
    const { alias } = created.object;
    expect(alias).toMatch(/^sk-onecli7x[A-Za-z0-9]{28}$/);
    const { secrets } = await services.source.changesSince(undefined);
    expect(secrets.find(({ name }) => name === 'prod/shaped')?.alias).toBe(alias);
    expect((await services.secrets.put(owner, 'prod/shaped', { alias: { prefix: 'sk-' } })).change).toBe('UNCHANGED');
    const other = await services.secrets.put(owner, 'prod/shaped', { alias: { prefix: 'ghp_' } });
    expect(other.object.alias).toMatch(/^ghp_onecli7x[A-Za-z0-9]{28}$/);
    expect(other.object.alias?.slice(-28)).not.toBe(alias?.slice(-28));
    expect((await services.secrets.put(owner, 'prod/shaped', { description: 'same' })).object.alias).toBe(
      other.object.alias,
    );
    expect((await services.secrets.put(owner, 'prod/shaped', { alias: null })).object.alias).toBeNull();
  });

  it('seals every kept version anew when the binding changes', async () => {
    await services.secrets.create(owner, { name: 'prod/moved', value: 'one', binding: bindingOf('a.example.com') });
    await services.secrets.put(owner, 'prod/moved', { value: 'two' });
    const written = await services.secrets.put(owner, 'prod/moved', { binding: bindingOf('b.example.com') });
    expect(written.object).toMatchObject({ version: 2, binding: bindingOf('b.example.com') });
    expect([await valueOf('prod/moved', 1), await valueOf('prod/moved', 2)]).toEqual(['one', 'two']);
  });

  it('takes a value and a binding in one change', async () => {
    await services.secrets.create(owner, { name: 'prod/both', value: 'one' });
    await services.secrets.put(owner, 'prod/both', { value: 'two', binding: bindingOf('both.example.com') });
    expect([await valueOf('prod/both', 1), await valueOf('prod/both', 2)]).toEqual(['one', 'two']);
  });

  it('changes nothing and no revision when a change is none', async () => {
    const first = await services.secrets.create(owner, {
      name: 'prod/same',
      value: 'x',
      binding: bindingOf('same.example.com'),
    });
    const again = await services.secrets.put(owner, 'prod/same', {
      description: '',
      binding: bindingOf('same.example.com'),
    });
    expect(again).toMatchObject({ change: 'UNCHANGED', revision: first.revision });
  });

  it('refuses a taken name and leaves the secret that has it', async () => {
    await services.secrets.create(owner, {
      name: 'prod/taken',
      value: 'first',
      binding: bindingOf('taken.example.com'),
    });
    await expect(services.secrets.create(owner, { name: 'prod/taken', value: 'second' })).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      status: 409,
    });
    expect(await valueOf('prod/taken')).toBe('first');
  });

  it('lets one of two who take a name at the same time have it', async () => {
    const both = await Promise.allSettled(
      ['one', 'two'].map((value) => services.secrets.create(owner, { name: 'prod/raced', value })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({ code: 'NAME_TAKEN' });
  });

  it('writes nothing at all for an input that it refuses', async () => {
    await services.secrets.create(owner, { name: 'prod/kept', value: 'kept', binding: bindingOf('kept.example.com') });
    const before = await everything();
    const calls = [
      () => services.secrets.create(owner, { name: 'prod/new', value: 'a\nb' }),
      () => services.secrets.create(owner, { name: 'prod/new', value: 'a', binding: bindingOf('*.com') }),
      () => services.secrets.create(owner, { name: 'new', value: 'a' }),
      () => services.secrets.create(owner, { name: 'prod/kept', value: 'a' }),
      () => services.secrets.put(owner, 'prod/kept', { value: 'new', binding: { hosts: [], surfaces: ['header'] } }),
      () => services.secrets.put(owner, 'prod/kept', { value: 'new', description: 'a\0' }),
      () => services.secrets.put(owner, 'prod/kept', { value: 'x'.repeat(64 * 1024 + 1) }),
      () => services.secrets.put(owner, 'prod/absent', { value: 'new' }),
      () => services.secrets.put(owner, 'prod/absent\0', { value: 'new' }),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/INVALID|NAME_TAKEN|NOT_FOUND/) });
    expect(await everything()).toEqual(before);
  });

  it('removes a secret with its versions, and removes again what is gone', async () => {
    const { object, revision } = await services.secrets.create(owner, { name: 'prod/gone', value: 'x' });
    expect(await services.secrets.remove(owner, 'prod/gone')).toEqual({ change: 'DELETED', revision: revision + 1 });
    expect(await services.secrets.remove(owner, 'prod/gone')).toEqual({ change: 'UNCHANGED', revision: revision + 1 });
    await expect(services.secrets.get(owner, 'prod/gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await services.source.changesSince(revision)).removedIds).toEqual([object.id]);
    expect(await services.dataSource.query('SELECT 1 FROM secret_version WHERE secret_id = $1', [object.id])).toEqual(
      [],
    );
  });

  it('does not carry a ciphertext over that was moved here from another secret', async () => {
    const secret = await services.secrets.create(owner, {
      name: 'prod/mine',
      value: 'mine',
      binding: bindingOf('mine.example.com'),
    });
    const other = await services.secrets.create(owner, {
      name: 'prod/theirs',
      value: 'theirs',
      binding: bindingOf('mine.example.com'),
    });
    await services.dataSource.query(
      'UPDATE secret_version SET sealed = (SELECT sealed FROM secret_version WHERE secret_id = $1) WHERE secret_id = $2',
      [other.object.id, secret.object.id],
    );
    const before = await everything();
    const moved = services.secrets.put(owner, 'prod/mine', { binding: bindingOf('evil.example.com') });
    await expect(moved).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    expect(await everything()).toEqual(before);
    await expect(valueOf('prod/mine')).rejects.toMatchObject({ code: 'CANNOT_OPEN' });
  });

  it('does not open for a host that was written into the database', async () => {
    await services.secrets.create(owner, { name: 'prod/pointed', value: 'x', binding: bindingOf('good.example.com') });
    await services.dataSource.query('UPDATE secret SET binding = $1 WHERE name = $2', [
      JSON.stringify(bindingOf('evil.example.com')),
      'prod/pointed',
    ]);
    await expect(valueOf('prod/pointed')).rejects.toMatchObject({ code: 'CANNOT_OPEN' });
    const bound = services.secrets.put(owner, 'prod/pointed', { binding: bindingOf('good.example.com') });
    await expect(bound).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
  });

  it('refuses a role that may not, before anything is read', async () => {
    const auditor = { ...owner, assignments: everywhere('auditor') };
    const forbidden = { code: 'FORBIDDEN', status: 403 };
    await expect(services.secrets.create(auditor, { name: 'prod/x', value: 'x' })).rejects.toMatchObject(forbidden);
    await expect(services.secrets.put(auditor, 'prod/absent', { value: 'x' })).rejects.toMatchObject(forbidden);
    await expect(services.secrets.remove(auditor, 'prod/absent')).rejects.toMatchObject(forbidden);
    await expect(services.secrets.list({ ...owner, assignments: everywhere('agent-manager') })).rejects.toMatchObject(
      forbidden,
    );
    const rotator = { ...owner, assignments: everywhere('operator') };
    await expect(services.secrets.remove(rotator, 'prod/absent')).rejects.toMatchObject(forbidden);
  });
});

describe('SecretService.upsert', () => {
  const upsert = (input: object) => services.secrets.upsert(owner, input);

  it('makes a secret that is absent, and says nothing to do when it is there as asked, value and all', async () => {
    const input = { name: 'prod/up', value: 'one', binding: bindingOf('up.example.com'), alias: { prefix: 'sk-' } };
    const created = await upsert(input);
    expect(created).toMatchObject({ change: 'CREATED', object: { version: 1, description: '', isDisabled: false } });
    expect(await upsert(input)).toEqual({ ...created, change: 'UNCHANGED' });
  });

  it('makes a new version of another value alone, keeps what is not mentioned, and resets what is null', async () => {
    const binding = bindingOf('reset.example.com');
    await upsert({ name: 'prod/reset', value: 'one', description: 'of mine', binding, isDisabled: true });
    const rotated = await upsert({ name: 'prod/reset', value: 'two' });
    expect(rotated).toMatchObject({ change: 'UPDATED', object: { version: 2, description: 'of mine', binding } });
    expect(await valueOf('prod/reset')).toBe('two');
    const reset = await upsert({ name: 'prod/reset', description: null, binding: null, isDisabled: null });
    expect(reset.object).toMatchObject({ version: 2, description: '', binding: null, isDisabled: false });
  });

  it('takes a value that was current once for a new one', async () => {
    for (const value of ['one', 'two', 'one']) await upsert({ name: 'prod/again', value });
    expect((await services.secrets.get(owner, 'prod/again')).version).toBe(3);
  });

  it('needs a value for a secret that is absent, and the right for what it does', async () => {
    await expect(upsert({ name: 'prod/valueless' })).rejects.toMatchObject({ code: 'INVALID', field: 'value' });
    const rotator = { ...owner, assignments: everywhere('operator') };
    const forbidden = { code: 'FORBIDDEN' };
    await expect(services.secrets.upsert(rotator, { name: 'prod/none', value: 'x' })).rejects.toMatchObject(forbidden);
    await upsert({ name: 'prod/theirs-too', value: 'x' });
    const auditor = { ...owner, assignments: everywhere('auditor') };
    // The value that is current already: a refusal must not tell that.
    for (const change of [{ value: 'x' }, { value: 'y' }, { description: 'y' }, {}])
      await expect(services.secrets.upsert(auditor, { name: 'prod/theirs-too', ...change })).rejects.toMatchObject(
        forbidden,
      );
    expect(await services.secrets.upsert(rotator, { name: 'prod/theirs-too', value: 'y' })).toMatchObject({
      change: 'UPDATED',
    });
  });

  it('is one change with others, and none of them when one is refused', async () => {
    const before = await everything();
    const refused = services.change.changeConfig(owner, async (tx) => {
      await services.secrets.upsertIn(tx, owner, { name: 'prod/first', value: 'x' });
      await services.secrets.upsertIn(tx, owner, { name: 'prod/second', value: 'a\nb' });
    });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID', field: 'value' });
    expect(await everything()).toEqual(before);
    const { result } = await services.change.changeConfig(owner, async (tx) => [
      await services.secrets.upsertIn(tx, owner, { name: 'prod/first', value: 'x' }),
      await services.secrets.removeIn(tx, owner, 'prod/first'),
      await services.secrets.removeIn(tx, owner, 'prod/first'),
    ]);
    expect(result).toMatchObject([{ change: 'CREATED' }, 'DELETED', 'UNCHANGED']);
  });
});

describe('SecretService.list', () => {
  it('gives every secret once over its pages, in the order of names', async () => {
    const paged = await openServices(await freshDatabase());
    try {
      const names = ['prod/a', 'prod/b', 'prod/c-1', 'prod/c.1', 'prod/c_1', 'staging/a'];
      for (const name of names.toReversed()) await paged.secrets.create(owner, { name, value: 'x' });
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await paged.secrets.list(owner, { after, limit: 2 });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map((secret) => secret.name));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual(names);
    } finally {
      await paged.close();
    }
  });
});
