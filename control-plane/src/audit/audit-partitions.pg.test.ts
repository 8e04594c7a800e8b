import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditPartitions } from './audit-partitions.ts';
import { AuditStore } from './audit-store.ts';
import { sampleEvent } from './testing/sample-event.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

describe('AuditPartitions', () => {
  const partitions = async (): Promise<string[]> =>
    (
      await api.database.query<{ name: string }[]>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_event'::regclass ORDER BY 1`,
      )
    ).map(({ name }) => name);

  it('are there from yesterday to three days ahead, and one for the rest', async () => {
    const day = (offset: number): string =>
      `audit_event_${new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')}`;
    expect(await partitions()).toEqual(
      expect.arrayContaining([day(-1), day(0), day(1), day(2), day(3), 'audit_event_default']),
    );
  });

  it('take over what came before them, and are made once by two who try at the same time', async () => {
    const farMs = Date.UTC(2031, 0, 10, 12);
    const early = sampleEvent('w1-boot-1', farMs);
    const store = new AuditStore(api.database, api.keys.keyring);
    await store.insert([early]);
    const log = { error: () => undefined };
    await Promise.all(
      [new AuditPartitions(api.database, log), new AuditPartitions(api.database, log)].map((one) => one.ensure(farMs)),
    );
    const rows = await api.database.query<{ place: string }[]>(
      'SELECT tableoid::regclass::text AS place FROM audit_event WHERE id = $1',
      [early.id],
    );
    expect(rows).toEqual([{ place: 'audit_event_20310110' }]);
    await store.insert([early]);
    expect((await api.call('GET', '/api/audit')).json).toMatchObject({ items: [{ id: early.id }], next: null });
  });
});
