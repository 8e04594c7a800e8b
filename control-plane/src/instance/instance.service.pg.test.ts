import { randomBytes } from 'node:crypto';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { createDataSource } from '../database/data-source.ts';
import { InstanceService } from './instance.service.ts';

let connectionString: string;
const connected: DataSource[] = [];

beforeEach(async () => {
  connectionString = await freshDatabase();
});
afterEach(async () => {
  await Promise.all(connected.splice(0).map((dataSource) => dataSource.destroy()));
});

const newMaster = () => MasterKey.fromHex(randomBytes(32).toString('hex'));

async function connect(): Promise<DataSource> {
  const dataSource = await createDataSource({ connectionString, connectionLost: () => undefined }).initialize();
  connected.push(dataSource);
  return dataSource;
}

/** Every row of every table, as text. */
async function dump(dataSource: DataSource): Promise<string> {
  const tables = await dataSource.query<{ name: string }[]>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
  );
  const rows = await Promise.all(
    tables.map(({ name }) => dataSource.query(`SELECT t::text FROM ${name} t ORDER BY 1`)),
  );
  return JSON.stringify([tables, rows]);
}

describe('InstanceService', () => {
  it('makes an instance in an empty database, with what a worker needs to begin', async () => {
    const master = newMaster();
    const dataSource = await connect();
    const { instanceId } = await new InstanceService(dataSource).open(master);
    const source = new PostgresSnapshotSource({ connectionString });
    const instance = await source.instance();
    const { authority, revision, isWhole } = await source.changesSince(undefined);
    await source.close();
    expect({ id: instance.id, revision, isWhole }).toEqual({ id: instanceId, revision: 1, isWhole: true });
    if (authority === undefined) throw new Error('no authority');
    const keyring = Keyring.open(master, instance.id, instance.keys.terms);
    expect(() => openAuthority('GATEWAY', keyring, authority)).not.toThrow();
    expect(await dump(dataSource)).not.toContain('PRIVATE KEY');
  });

  it('opens again with the same key, and writes nothing', async () => {
    const master = newMaster();
    const dataSource = await connect();
    const first = await new InstanceService(dataSource).open(master);
    const before = await dump(dataSource);
    const again = await new InstanceService(await connect()).open(master);
    expect(again.instanceId).toBe(first.instanceId);
    expect(again.tokenPepper).toEqual(first.tokenPepper);
    expect(await dump(dataSource)).toBe(before);
  });

  it('refuses another master key before anything is written', async () => {
    const dataSource = await connect();
    await new InstanceService(dataSource).open(newMaster());
    // As after an upgrade: a migration is due, and must not run either.
    await dataSource.query('DROP TABLE worker');
    await dataSource.query('DELETE FROM schema_migration');
    const before = await dump(dataSource);
    const refused = new InstanceService(await connect()).open(newMaster());
    await expect(refused).rejects.toMatchObject({ code: 'WRONG_MASTER_KEY', exitCode: 2 });
    await expect(refused).rejects.toThrow('ONECLI_MASTER_KEY is not the master key of this database');
    expect(await dump(dataSource)).toBe(before);
  });

  it('refuses a database that has data but no record of its key', async () => {
    const dataSource = await connect();
    const master = newMaster();
    await new InstanceService(dataSource).open(master);
    await dataSource.query('DELETE FROM instance');
    const before = await dump(dataSource);
    await expect(new InstanceService(await connect()).open(master)).rejects.toMatchObject({ code: 'DATA_WITHOUT_KEY' });
    expect(await dump(dataSource)).toBe(before);
  });

  it('refuses a key term that was altered, although the key check fits', async () => {
    const dataSource = await connect();
    const master = newMaster();
    await new InstanceService(dataSource).open(master);
    await dataSource.query(
      'UPDATE key_term SET wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1)',
    );
    await expect(new InstanceService(await connect()).open(master)).rejects.toMatchObject({ code: 'KEY_TERM_ALTERED' });
  });

  it('makes one instance when several control planes start on one empty database', async () => {
    const master = newMaster();
    const dataSources = await Promise.all([connect(), connect(), connect()]);
    const opened = await Promise.all(dataSources.map((dataSource) => new InstanceService(dataSource).open(master)));
    expect(new Set(opened.map(({ instanceId }) => instanceId)).size).toBe(1);
  });
});
