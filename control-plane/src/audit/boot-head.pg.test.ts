import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { alteredHeads } from './altered-heads.ts';
import { type HeadKeys, readHead } from './boot-head.ts';
import { batchesOf, ended, headRowOf, openTrailStore, type Row, rowsOf, type Spec } from './testing/runs.ts';
import type { TakenLinks } from './trail/trail-keeper.ts';
import { verifyByScript } from './trail/testing/open-trail.ts';
import type { TrailStore } from './trail-store.ts';

let api: Served;
let trail: TrailStore;
const kept: TakenLinks[] = [];
const faults: string[] = [];
beforeAll(async () => {
  api = await serve(await freshDatabase());
  trail = openTrailStore(api, kept, faults);
});
afterAll(() => api.stop());

let boots = 0;
let boot = '';
beforeEach(() => {
  boot = `boot${boots++}`;
  kept.length = 0;
  faults.length = 0;
});

const timeMs = Date.now();
const batches = (...specs: Spec[][][]): TrailBatch[] => batchesOf(api, boot, timeMs, specs);
const rows = (): Promise<Row[]> => rowsOf(api.database, boot);
const head = () => headRowOf(api.database, boot);

const headKeys = (): HeadKeys => ({ keyring: api.keys.keyring, macKey: api.keys.auditMacKey });
const isOfOwnBlocks = (text: string): boolean => text.includes('ORDER BY first_index LIMIT');

/** The same manager, whose queries are told first. */
function watched(manager: EntityManager, told: (text: string) => Promise<void>): EntityManager {
  const query = async (text: string, values?: unknown[]): Promise<unknown> => {
    await told(text);
    return manager.query(text, values);
  };
  return Object.assign(Object.create(manager) as EntityManager, { query });
}

/** What both verifiers find of this run in an export of everything. */
const found = async (): Promise<string[]> => (await foundByBoth()).product;
const foundByBoth = async (): Promise<{ readonly product: string[]; readonly script: string[] }> => {
  const { text } = await api.call('GET', '/api/audit/export');
  const { json } = await api.call('POST', '/api/audit/trail/verify', {});
  const told = (json as { faults: { id: string | null; message: string }[] }).faults.filter(
    ({ id, message }) => id?.includes(boot) === true || message.includes(boot),
  );
  const script = await verifyByScript(text);
  const lines = script.text.split('\n').filter((line) => line.startsWith('BAD') && line.includes(boot));
  expect(lines.length > 0, script.text).toBe(told.length > 0);
  return { product: told.map(({ message }) => message), script: lines };
};

describe('how far a run is written', () => {
  it('does not believe a head that somebody else wrote: it says so, and takes what comes', async () => {
    const all = batches([[['lone']]], [[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch, TrailBatch];
    await trail.take(all[0]);
    await api.database.query('UPDATE audit_boot SET through = 1e12, ended_at = now() WHERE boot = $1', [boot]);
    expect((await trail.take(all[1])).events).toHaveLength(1);
    expect(faults).toEqual(['BROKEN']);
    expect(await head()).toMatchObject({ through: '1', ended_at: null });
    await api.database.query('UPDATE audit_boot SET through = 1e12, seal = NULL WHERE boot = $1', [boot]);
    expect((await trail.take(all[1])).events).toHaveLength(0);
    expect(faults).toEqual(['BROKEN', 'BROKEN']);
    expect((await trail.take(all[2])).events).toHaveLength(1);
    expect(faults).toHaveLength(2);
    expect(await rows()).toHaveLength(3);
  });

  it('raises that somebody says of a run that it is over, or takes back that it is', async () => {
    const [one, two] = batches([[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await api.database.query('UPDATE audit_boot SET ended_at = now() WHERE boot = $1', [boot]);
    await trail.take(two);
    expect(faults).toEqual(['BROKEN']);
    await trail.take(ended(two));
    await api.database.query('UPDATE audit_boot SET ended_at = NULL WHERE boot = $1', [boot]);
    await trail.take(ended(two));
    expect(faults).toEqual(['BROKEN', 'BROKEN']);
  });

  it('takes a head of the release before, which has no MAC, where the entries say the same', async () => {
    const [one, two] = batches([[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await api.database.query('UPDATE audit_boot SET seal = NULL WHERE boot = $1', [boot]);
    await trail.take(two);
    expect(await head()).toMatchObject({ through: '1' });
    expect(faults).toEqual([]);
  });

  it('takes what a control plane of the release before wrote, which left the MAC as it was, also of the end', async () => {
    const [one, two, three] = batches([[['lone']]], [[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch, TrailBatch];
    type Stored = [string, string, Date | null, Buffer];
    const stored = async (): Promise<Stored> => {
      const sql = 'SELECT through, mac, ended_at, seal FROM audit_boot WHERE boot = $1';
      return Object.values(((await api.database.query(sql, [boot])) as object[])[0] ?? {}) as Stored;
    };
    const byOld = async (batch: TrailBatch): Promise<void> => {
      const before = await stored();
      await trail.take(batch);
      const [through, mac, endedAt] = await stored();
      const back = 'UPDATE audit_boot SET through = $2, mac = $3, ended_at = $4, seal = $5 WHERE boot = $1';
      await api.database.query(back, [boot, ...before]);
      await api.database.query(
        `INSERT INTO audit_boot (worker, boot, through, mac, ended_at) VALUES ('w1', $1, $2, $3, $4)
         ON CONFLICT (worker, boot) DO UPDATE SET through = excluded.through, mac = excluded.mac, updated_at = now(),
           ended_at = excluded.ended_at`,
        [boot, through, mac, endedAt],
      );
    };
    await trail.take(one);
    await byOld(two);
    expect(await found()).toEqual([]);
    await trail.take(three);
    await byOld(ended(three));
    expect(await found()).toEqual([]);
    await trail.take(ended(three));
    expect(faults).toEqual([]);
    expect(await found()).toEqual([]);
  });

  it('does not take a database that does not answer for one that was altered', async () => {
    await trail.take(batches([[['lone']]])[0] as TrailBatch);
    await api.database.query('UPDATE audit_boot SET seal = NULL WHERE boot = $1', [boot]);
    const read = api.database.transaction(async (manager) => {
      const slow = watched(manager, async (text) => {
        if (!isOfOwnBlocks(text)) return;
        await manager.query('SET LOCAL statement_timeout = 10');
        await manager.query('SELECT pg_sleep(5)');
      });
      return readHead(slow, headKeys(), { worker: 'w1', boot });
    });
    await expect(read).rejects.toThrow('statement timeout');
  });

  it('reads what says that runs are over once for all runs without a MAC, however many there are', async () => {
    const reads = async (): Promise<number> => {
      let count = 0;
      const counted = watched(api.database.manager, async (text) => void (count += isOfOwnBlocks(text) ? 1 : 0));
      expect(await alteredHeads(counted, headKeys())).toMatchObject({ count: 0 });
      return count;
    };
    await api.database.query('DELETE FROM audit_boot');
    const counts: number[] = [];
    for (let runs = 0; runs < 5; runs++) {
      boot = `boot${boots++}`;
      await trail.take(batches([[['lone']]])[0] as TrailBatch);
      await api.database.query('UPDATE audit_boot SET seal = NULL WHERE boot = $1', [boot]);
      counts.push(await reads());
    }
    const [ofOne = 0] = counts;
    expect(ofOne).toBeGreaterThan(0);
    // The control plane may have said something more meanwhile, which may be a page more to read.
    expect(Math.max(...counts)).toBeLessThanOrEqual(ofOne + 1);
  });

  it('raises entries of a boot that was over', async () => {
    const [one, two] = batches([[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await trail.take(ended(one));
    expect((await trail.take(two)).events).toHaveLength(1);
    expect(faults).toEqual(['BROKEN']);
  });

  it.each([
    ['ended_at = now()', 'that it is over'],
    ['through = through + 1', 'that more is written'],
    ['through = through - 1', 'that less is written'],
    [`mac = repeat('0', 64)`, 'what it follows on'],
  ])('is raised, and found by both verifiers before the run goes on and after: %s without a MAC', async (set) => {
    const [one, two] = batches([[['lone']], [['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    expect(await found()).toEqual([]);
    await api.database.query(`UPDATE audit_boot SET seal = NULL, ${set} WHERE boot = $1`, [boot]);
    expect(await found()).toEqual([expect.stringContaining('how far')]);
    await trail.take(two);
    expect(faults).toEqual(['BROKEN']);
    expect(await rows()).toHaveLength(3);
    expect(await found()).toEqual([expect.stringContaining('were altered before they were written')]);
  });

  it('that a run is over cannot be taken back by who takes its MAC away too: what comes then is raised and found', async () => {
    const [one, two, three] = batches([[['lone']]], [[['lone']]], [[['lone']]]) as [TrailBatch, TrailBatch, TrailBatch];
    await trail.take(one);
    await trail.take(ended(one));
    await api.database.query('UPDATE audit_boot SET seal = NULL, ended_at = NULL WHERE boot = $1', [boot]);
    expect(await found()).toEqual([expect.stringContaining('how far')]);
    await trail.take(two);
    expect(faults).toEqual(['BROKEN']);
    expect(await head()).toMatchObject({ through: '1', ended_at: expect.any(Date) });
    await trail.take(three);
    expect(faults).toEqual(['BROKEN', 'BROKEN']);
    const { product, script } = await foundByBoth();
    expect(product.join()).toContain('ended after 1 entries: 3 are here');
    expect(script.join()).toContain('ended after 1 entries, 3 are here');
  });

  it('is not raised of a run of the release before that is over', async () => {
    const [one] = batches([[['lone']]]) as [TrailBatch];
    await trail.take(one);
    await trail.take(ended(one));
    await api.database.query('UPDATE audit_boot SET seal = NULL WHERE boot = $1', [boot]);
    expect(await found()).toEqual([]);
    await trail.take(ended(one));
    expect(faults).toEqual([]);
    expect(await found()).toEqual([]);
  });
});
