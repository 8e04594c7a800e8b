import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { batchesOf, ended, openTrailStore, type Row, rowsOf, type Spec } from './testing/runs.ts';
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
const head = async () => {
  const [row]: { through: string; mac: string; ended_at: Date | null }[] = await api.database.query(
    'SELECT through, mac, ended_at FROM audit_boot WHERE boot = $1',
    [boot],
  );
  return row;
};

/** What both verifiers find of this run in an export of everything. */
const found = async (): Promise<string[]> => {
  const { text } = await api.call('GET', '/api/audit/export');
  const { json } = await api.call('POST', '/api/audit/trail/verify', {});
  const told = (json as { faults: { id: string | null; message: string }[] }).faults.filter(
    ({ id, message }) => id?.includes(boot) === true || message.includes(boot),
  );
  const script = await verifyByScript(text);
  const lines = script.text.split('\n').filter((line) => line.startsWith('BAD') && line.includes(boot));
  expect(lines.length > 0, script.text).toBe(told.length > 0);
  return told.map(({ message }) => message);
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
    expect((await found()).join()).toContain('ended after 1 entries: 3 are here');
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
