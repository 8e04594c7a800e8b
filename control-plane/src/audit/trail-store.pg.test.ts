import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { batchesOf, ended, headRowOf, openTrailStore, type Row, rowsOf, type Spec } from './testing/runs.ts';
import type { TakenLinks } from './trail/trail-keeper.ts';
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
const count = async (table: string): Promise<number> => {
  const [row]: { n: number }[] = await api.database.query(`SELECT count(*)::int AS n FROM ${table} WHERE boot = $1`, [
    boot,
  ]);
  return row?.n ?? -1;
};
const head = () => headRowOf(api.database, boot);

describe('TrailStore', () => {
  it('makes one event of an intent and its outcome, in one batch or in two', async () => {
    const [one, two] = batches([[['intent']], [['outcome', 0], ['lone'], ['intent']]], [[['outcome', 3]]]) as [
      TrailBatch,
      TrailBatch,
    ];
    const { events } = await trail.take(one);
    expect(events.map(({ id }) => id)).toEqual([`w1-${boot}-0`, `w1-${boot}-2`]);
    expect(await count('audit_intent')).toBe(1);
    await trail.take(two);
    expect(await count('audit_intent')).toBe(0);
    expect(await rows()).toMatchObject([
      { id: `w1-${boot}-0`, reason: 'ALLOWED', status: 200 },
      { id: `w1-${boot}-2` },
      { id: `w1-${boot}-3`, reason: 'ALLOWED' },
    ]);
    expect(await head()).toMatchObject({ through: '4', ended_at: null });
  });

  it('writes nothing twice, however batches are cut when they come again', async () => {
    const all = batches([[['intent']], [['lone']]], [[['outcome', 0]], [['lone']]]) as [TrailBatch, TrailBatch];
    const whole = { ...all[0], last: all[1].last, text: all[0].text + all[1].text };
    for (const batch of [all[0], all[0], whole, all[1], whole, all[0]]) await trail.take(batch);
    expect(await rows()).toHaveLength(3);
    expect(kept.map(({ links }) => links.length)).toEqual([2, 2]);
    expect(kept[1]?.previousMac).toBe(kept[0]?.links.at(-1)?.mac);
    expect(await count('audit_intent')).toBe(0);
  });

  it('takes a batch whose events are there although nothing is known of its boot, as after a restore: each once', async () => {
    const [one, two] = batches([[['lone']], [['intent']]], [[['outcome', 1]], [['lone']]]) as [TrailBatch, TrailBatch];
    for (const batch of [one, two]) await trail.take(batch);
    const before = await rows();
    await api.database.query('DELETE FROM audit_boot WHERE boot = $1', [boot]);
    await api.database.query('DELETE FROM audit_event WHERE id = $1', [`w1-${boot}-3`]);
    for (const batch of [one, two]) await trail.take(batch);
    expect(await rows()).toEqual(before);
    expect(before).toHaveLength(3);
    expect(await head()).toMatchObject({ through: '3' });
    expect(await count('audit_intent')).toBe(0);
  });

  it('lets a batch that comes early wait for those before it', async () => {
    const [one, two, three] = batches([[['intent']]], [[['lone']]], [[['outcome', 0]]]) as [
      TrailBatch,
      TrailBatch,
      TrailBatch,
    ];
    expect((await trail.take(three)).events).toEqual([]);
    expect((await trail.take(two)).events).toEqual([]);
    expect(await head()).toBeUndefined();
    expect(await count('audit_early_batch')).toBe(2);
    expect((await trail.take(one)).events).toHaveLength(2);
    expect(await count('audit_early_batch')).toBe(0);
    expect(await head()).toMatchObject({ through: '2' });
    expect(kept.map(({ gap }) => gap)).toEqual([undefined, undefined, undefined]);
    expect(faults).toEqual([]);
  });

  it('takes batches that several control planes have at once, each entry once', async () => {
    const specs = Array.from({ length: 12 }, (_, index): Spec[][] => [
      index % 2 === 0 ? [['intent']] : [['outcome', index - 1]],
    ]);
    const all = batches(...specs);
    await Promise.all(all.toReversed().map((batch) => trail.take(batch)));
    expect(await rows()).toHaveLength(6);
    expect(await head()).toMatchObject({ through: '11' });
  });

  it('goes on where entries will never come, and says which', async () => {
    const [, , three] = batches([[['intent']]], [[['lone']]], [[['outcome', 0], ['lone']]]) as [
      TrailBatch,
      TrailBatch,
      TrailBatch,
    ];
    await trail.take({ ...three, oldest: three.first });
    expect(kept).toMatchObject([{ gap: { from: 0, to: 1 } }]);
    expect(faults).toEqual(['GAP']);
    expect(await rows()).toMatchObject([{ id: `w1-${boot}-0`, status: 200 }, { id: `w1-${boot}-3` }]);
  });

  it('shows what was under way when a boot ended as interrupted, with all secrets that had left', async () => {
    const [one] = batches([
      [['intent'], ['intent']],
      [
        ['further', 0],
        ['outcome', 1],
      ],
    ]) as [TrailBatch];
    await trail.take(one);
    const end = ended(one);
    await trail.take(end);
    await trail.take(end);
    expect(await rows()).toEqual([
      { id: `w1-${boot}-0`, reason: 'INTERRUPTED', status: 0, secrets: ['prod/openai@1', 'prod/further@2'] },
      { id: `w1-${boot}-1`, reason: 'ALLOWED', status: 200, secrets: ['prod/openai@1'] },
    ]);
    expect(await head()).toMatchObject({ through: '3', ended_at: expect.any(Date) });
    expect(await count('audit_intent')).toBe(0);
  });

  it('leaves nothing open of a request that is over, whose further secrets came with its end', async () => {
    const [one, two] = batches(
      [[['intent']]],
      [
        [
          ['further', 0],
          ['outcome', 0],
        ],
      ],
    ) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await trail.take(two);
    expect(await count('audit_intent')).toBe(0);
    await trail.take(ended(two));
    expect(await rows()).toMatchObject([{ id: `w1-${boot}-0`, reason: 'ALLOWED' }]);
  });

  it('keeps nothing of an open intent in the clear', async () => {
    const [one] = batches([[['intent']]]) as [TrailBatch];
    await trail.take(one);
    const [row]: { all: string }[] = await api.database.query(
      `SELECT i::text || encode(sealed_line, 'escape') AS all FROM audit_intent i WHERE boot = $1`,
      [boot],
    );
    expect(row?.all).toContain(boot);
    expect(row?.all).not.toMatch(/canary|my-agent|openai/);
  });

  it('refuses a batch whose entries are not those that it says', async () => {
    const [one] = batches([[['lone']], [['lone']]]) as [TrailBatch];
    const [first = '', mac = '', ...rest] = one.text.split('\n');
    const swapped = { ...one, text: [...rest.slice(0, 2), first, mac, ''].join('\n') };
    await expect(trail.take(swapped)).rejects.toThrow('wrong place');
    await expect(trail.take({ ...one, last: 5 })).rejects.toThrow('not what it says');
    expect(await rows()).toEqual([]);
    expect(await head()).toBeUndefined();
  });
});
