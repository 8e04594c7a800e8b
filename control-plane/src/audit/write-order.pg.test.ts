import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { Boot, openTrail, type Trail } from './trail/testing/open-trail.ts';
import type { WritePlace } from './audit-store.ts';
import { settleWriteOrder } from './write-order.ts';

let trail: Trail;
let boot: Boot;
beforeEach(async () => {
  trail = await openTrail(await freshDatabase());
  boot = new Boot(trail.macKey, 'w1', 'b1');
});
afterEach(() => trail?.close());

const page = { limit: 100, reach: '*' } as const;
/** As a dump brings it that was made on a server whose transactions are numbered from far above. */
const bringFromElsewhere = () =>
  trail.dataSource.query('UPDATE audit_event SET written_by = written_by + 5000000000000');

describe('the order in which audit events were written, on another server', () => {
  it('goes on: who follows from before gets what is written now, once, and nothing of before again', async () => {
    const { dataSource, store } = trail;
    await trail.keep(boot.take(5, 5));
    await bringFromElsewhere();
    const before = { transaction: '5000000000000', place: '0' };
    await dataSource.query(`INSERT INTO audit_sink (name, transaction, place) VALUES ('webhook', 5000999999999, 0)`);
    expect(await settleWriteOrder(dataSource)).toBeGreaterThan(0n);
    const known = await store.since({}, before, page);
    expect(known.items).toHaveLength(5);
    const { rows } = boot.take(3, 3);
    await store.insert(rows);
    const ids = rows.map(({ id }) => id);
    const after = async (place: WritePlace) => (await store.since({}, place, page)).items.map(({ id }) => id);
    // Transactions of other databases of the server hold it back while they are open.
    await expect.poll(() => after(known.next), { timeout: 40_000 }).toEqual(ids);
    const news = await store.since({}, known.next, page);
    expect((await store.since({}, news.next, page)).items).toEqual([]);
    expect(await after({ transaction: '5000999999999', place: '0' })).toEqual(ids);
    expect(await store.lastWritten()).not.toBe('');
  });

  it('is settled once, and is left alone where nothing came from elsewhere', async () => {
    const { dataSource } = trail;
    await trail.keep(boot.take(5, 5));
    expect(await settleWriteOrder(dataSource)).toBe(0n);
    await bringFromElsewhere();
    const ahead = await Promise.all([settleWriteOrder(dataSource), settleWriteOrder(dataSource)]);
    expect(ahead.filter((one) => one > 0n)).toHaveLength(1);
    expect(await settleWriteOrder(dataSource)).toBe(0n);
  });

  it('of before it was settled would stand still', async () => {
    const { dataSource, store } = trail;
    await trail.keep(boot.take(5, 5));
    await bringFromElsewhere();
    const place = await store.writePlace(undefined);
    expect(BigInt(place.transaction)).toBeLessThan(5_000_000_000_000n);
    await settleWriteOrder(dataSource);
    expect(BigInt((await store.writePlace(undefined)).transaction)).toBeGreaterThan(5_000_000_000_000n);
  });
});
