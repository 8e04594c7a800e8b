import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';

let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());

const binding = { hosts: ['api.example.com'], surfaces: ['header'] };

async function shownOf(name: string): Promise<{ fingerprint: string; version: number }> {
  const { fingerprint, version } = await services.secrets.get(owner, name);
  return { fingerprint, version };
}

/** As an earlier release stored it. */
async function makeEarlier(name: string, value: string): Promise<string> {
  const earlier = tokenHash(services.keys.fingerprintKey, value).toString('hex').slice(0, 12);
  await services.dataSource.query(
    'UPDATE secret_version SET fingerprint = $2 WHERE secret_id = (SELECT id FROM secret WHERE name = $1)',
    [name, earlier],
  );
  return earlier;
}

describe('the fingerprint of a value', () => {
  it('tells whoever may set one secret nothing of what another holds, in whatever environment', async () => {
    await services.secrets.create(owner, { name: 'prod/target', value: 'hunter2', binding });
    for (const name of ['staging/mine', 'prod/mine']) {
      await services.secrets.create(owner, { name, value: 'hunter2', binding });
      expect((await shownOf(name)).fingerprint).not.toBe((await shownOf('prod/target')).fingerprint);
    }
    const earlier = await makeEarlier('prod/target', 'hunter2');
    await services.secrets.put(owner, 'staging/mine', { value: 'a guess' });
    await services.secrets.put(owner, 'staging/mine', { value: 'hunter2' });
    expect((await shownOf('staging/mine')).fingerprint.slice(0, 12)).not.toBe(earlier);
  });

  it('is known again in the form of earlier releases, and made anew', async () => {
    await services.secrets.create(owner, { name: 'prod/old', value: 'same', binding });
    const now = await shownOf('prod/old');
    const earlier = await makeEarlier('prod/old', 'same');
    expect(await shownOf('prod/old')).toEqual({ fingerprint: earlier, version: 1 });
    const config = { secrets: [{ name: 'prod/old', value: 'same', binding }] };
    const { changes } = await services.plans.plan(owner, { config });
    expect(changes.map(({ action }) => action)).toEqual(['NONE']);
    const again = await services.secrets.upsert(owner, { name: 'prod/old', value: 'same' });
    expect(again.change).toBe('UNCHANGED');
    expect(await shownOf('prod/old')).toEqual(now);
    await makeEarlier('prod/old', 'same');
    await services.secrets.put(owner, 'prod/old', { binding: { ...binding, hosts: ['other.example.com'] } });
    expect(await shownOf('prod/old')).toEqual(now);
  });
});
