import { randomBytes } from 'node:crypto';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { rekey } from './rekey.ts';

let connectionString: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  connectionString = await freshDatabase();
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const newMaster = () => MasterKey.fromHex(randomBytes(32).toString('hex'));
async function open(master: MasterKey) {
  const services = await openServices(connectionString, { master });
  ends.push(() => services.close());
  return services;
}
const binding = { hosts: ['api.example.com'], surfaces: ['header'] };
const wrong = { code: 'WRONG_MASTER_KEY' };

describe('rekey', () => {
  it('lets the new master key open everything, tokens and fingerprints the same, and the old one nothing', async () => {
    const [from, to] = [newMaster(), newMaster()];
    const before = await open(from);
    await before.secrets.create(owner, { name: 'prod/a', value: 'v', binding });
    const print = (await before.secrets.get(owner, 'prod/a')).fingerprint;
    expect(await rekey(before.dataSource, from, to)).toBe('done');
    await expect(openServices(connectionString, { master: from })).rejects.toMatchObject(wrong);
    const after = await open(to);
    expect(after.keys.tokenPepper).toEqual(before.keys.tokenPepper);
    expect(after.keys.busKey).toEqual(before.keys.busKey);
    await after.secrets.put(owner, 'prod/a', { binding: { ...binding, hosts: ['b.example.com'] } });
    expect((await after.secrets.get(owner, 'prod/a')).fingerprint).toBe(print);
  });

  it('changes nothing when it is done again, or with a key that is not the database’s', async () => {
    const [from, to, other] = [newMaster(), newMaster(), newMaster()];
    const { dataSource } = await open(from);
    await expect(rekey(dataSource, other, to)).rejects.toMatchObject(wrong);
    await rekey(dataSource, from, to);
    const rows = await dataSource.query('SELECT * FROM key_term, instance_key, instance');
    expect(await rekey(dataSource, from, to)).toBe('already');
    await expect(rekey(dataSource, from, other)).rejects.toMatchObject(wrong);
    expect(await dataSource.query('SELECT * FROM key_term, instance_key, instance')).toEqual(rows);
  });

  it('leaves a process on the old key at work, but lets it make no key that the new one could not open', async () => {
    const [from, to] = [newMaster(), newMaster()];
    const running = await open(from);
    await rekey(running.dataSource, from, to);
    await running.secrets.create(owner, { name: 'prod/late', value: 'v', binding });
    expect(running.keys.terms.isMasterKeyCurrent).toBe(false);
    const after = await open(to);
    await after.secrets.put(owner, 'prod/late', { binding: { ...binding, hosts: ['b.example.com'] } });
  });

  it('rolls back whole when it breaks in the middle', async () => {
    const [from, to] = [newMaster(), newMaster()];
    const { dataSource } = await open(from);
    await dataSource.query('ALTER TABLE instance ADD CONSTRAINT breaks CHECK (false) NOT VALID');
    await expect(rekey(dataSource, from, to)).rejects.toThrow('breaks');
    await dataSource.query('ALTER TABLE instance DROP CONSTRAINT breaks');
    await expect(openServices(connectionString, { master: to })).rejects.toMatchObject(wrong);
    await open(from);
  });
});
