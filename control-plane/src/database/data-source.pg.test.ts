import { killablePostgres } from '@onecli/shared/adapters/postgres/testing/killable-postgres';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { createDataSource } from './data-source.ts';
import { openServices, owner } from './testing/open-services.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('createDataSource', () => {
  it('writes again after PostgreSQL was killed and started, and has lost nothing that was answered', async () => {
    const server = await killablePostgres(inject('postgresUrl'));
    ends.push(() => server.stop());
    const services = await openServices(server.url);
    ends.push(() => services.close());
    await services.secrets.create(owner, { name: 'prod/before', value: 'x' });
    await server.kill();
    await expect(services.secrets.create(owner, { name: 'prod/during', value: 'x' })).rejects.toThrow();
    await server.start();
    await services.secrets.create(owner, { name: 'prod/after', value: 'x' });
    const { items } = await services.secrets.list(owner);
    expect(items.map((secret) => secret.name)).toEqual(['prod/after', 'prod/before']);
  });

  it('maps every entity to the columns that the migration makes', async () => {
    const connectionString = await freshDatabase();
    const services = await openServices(connectionString);
    ends.push(() => services.close());
    const dataSource = await createDataSource({ connectionString, connectionLost: () => undefined }).initialize();
    ends.push(() => dataSource.destroy());
    for (const { tableName, columns } of dataSource.entityMetadatas) {
      const rows = await dataSource.query<{ name: string; type: string }[]>(
        `SELECT column_name AS name, CASE data_type WHEN 'timestamp with time zone' THEN 'timestamptz' ELSE data_type END AS type
         FROM information_schema.columns WHERE table_name = $1 ORDER BY 1`,
        [tableName],
      );
      const mapped = columns.map((column) => ({ name: column.databaseName, type: column.type }));
      expect(mapped.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(rows);
    }
  });
});
