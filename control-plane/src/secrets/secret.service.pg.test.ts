import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
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
  return open(services.keys.keyring, secretVersionContext(record.id, sealed.version, record.binding), sealed.sealed).toString();
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
    expect(written.object.binding).toEqual(bindingOf('api.openai.com'));
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
    const first = await services.secrets.create(owner, { name: 'prod/same', value: 'x', binding: bindingOf('same.example.com') });
    const again = await services.secrets.put(owner, 'prod/same', { description: '', binding: bindingOf('same.example.com') });
    expect(again).toMatchObject({ change: 'UNCHANGED', revision: first.revision });
  });
});
