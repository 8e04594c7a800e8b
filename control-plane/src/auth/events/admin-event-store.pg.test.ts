import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { openServices } from '../../database/testing/open-services.ts';
import { AdminEventStore } from './admin-event-store.ts';

let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services?.close());

async function add(count: number, age: string): Promise<void> {
  await services.dataSource.query(
    `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
     SELECT gen_random_uuid(), now() - $2::interval - n * interval '1 second', 'user:x', 'x', 'secret', $2::text, 1, '{}' FROM generate_series(1, $1::int) n`,
    [count, age],
  );
}

async function left(age: string): Promise<number> {
  const [row] = await services.dataSource.query<{ count: string }[]>(
    'SELECT count(*) FROM admin_event WHERE object_name = $1',
    [age],
  );
  return Number(row?.count);
}

describe('the record of what admins did', () => {
  it('is kept for so many days, and what is older goes, the oldest first and not all at once', async () => {
    const store = new AdminEventStore(services.dataSource);
    await add(5, '729 days');
    await add(100, '731 days');
    await add(20_950, '800 days');
    await store.sweep(730);
    expect([await left('729 days'), await left('731 days'), await left('800 days')]).toEqual([5, 100, 950]);
    await store.sweep(730);
    expect([await left('729 days'), await left('731 days'), await left('800 days')]).toEqual([5, 0, 0]);
  });
});
