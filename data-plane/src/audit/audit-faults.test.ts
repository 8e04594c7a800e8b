import { describe, expect, it } from 'vitest';
import { enospc, event, kindsOf, newTrail, nextTurn, range, spoolForEachTest, until } from './testing/spool-world.ts';

spoolForEachTest();

describe('a disk that does not take more', () => {
  it.each<['full' | 'half a record', NodeJS.ErrnoException | 'short']>([
    ['full', enospc],
    ['half a record', 'short'],
  ])('refuses what would need a record, and loses nothing (%s)', async (_name, fault) => {
    const { trail, store, faulty, lost, lines } = newTrail();
    const before = trail.intend(event('before'));
    expect(await before.kept).toBe(true);
    faulty.fault = fault;
    const refused = trail.intend(event('refused'));
    trail.recordEnding(event('before'), before.intent);
    expect(await refused.kept).toBe(false);
    expect(trail.hasRoom).toBe(false);
    trail.recordEnding(event('refused', { decision: 'deny', reason: 'AUDIT_UNAVAILABLE' }), refused.intent);
    faulty.fault = undefined;
    await until(() => trail.hasRoom);
    expect(await trail.intend(event('after')).kept).toBe(true);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['OUTCOME', 0],
      ['OUTCOME', undefined],
      ['INTENT', undefined],
    ]);
    expect(lost).toEqual([]);
    expect(lines.join('')).toContain('can be written again');
  });

  it('lets no further secrets go', async () => {
    const { trail, faulty } = newTrail();
    const { intent, kept } = trail.intend(event('r0'));
    await kept;
    faulty.fault = enospc;
    const further = event('r0', { secrets: ['prod/b@2'] });
    expect(trail.intendNow(intent, further)).toBeUndefined();
    faulty.fault = undefined;
    // Until it was found that it takes more, nothing is tried.
    expect(trail.intendNow(intent, further)).toBeUndefined();
    await until(() => trail.hasRoom);
    expect(trail.intendNow(intent, further)).toBe(intent);
  });

  it('keeps few refusals in memory meanwhile', async () => {
    const { trail, faulty, lost } = newTrail({ maxWaiting: 10 });
    faulty.fault = enospc;
    trail.record(event('r0'));
    await until(() => !trail.hasRoom);
    for (const id of range(100)) trail.record(event(id, { decision: 'deny' }));
    expect(lost).toHaveLength(93);
  });
});

describe('the modes', () => {
  it('durable: a secret leaves when its intent is on the medium, many with one call', async () => {
    const { trail, faulty, store } = newTrail({ mode: 'durable' });
    const kept: Promise<boolean>[] = [];
    for (let turn = 0; turn < 10; turn++) {
      for (const id of range(5)) kept.push(trail.intend(event(id)).kept);
      await nextTurn();
    }
    expect(new Set(await Promise.all(kept))).toEqual(new Set([true]));
    expect(faulty.syncs).toBeGreaterThan(0);
    expect(faulty.syncs).toBeLessThan(10);
    faulty.syncFault = Object.assign(new Error('EIO'), { code: 'EIO' });
    expect(await trail.intend(event('refused')).kept).toBe(false);
    faulty.syncFault = undefined;
    expect(await trail.intend(event('again')).kept).toBe(true);
    await trail.close(5000);
    expect(store.entries()).toHaveLength(52);
  });

  it.each(['durable', 'strict'] as const)(
    '%s: further secrets leave when their intent is on the medium, at once',
    async (mode) => {
      const { trail, faulty } = newTrail({ mode });
      const { intent, kept } = trail.intend(event('r0'));
      expect(await kept).toBe(true);
      const before = faulty.syncsNow;
      expect(trail.intendNow(intent, event('r0', { secrets: ['prod/b@2'] }))).toBe(intent);
      expect(faulty.syncsNow).toBe(before + 1);
      faulty.syncNowFault = Object.assign(new Error('EIO'), { code: 'EIO' });
      expect(trail.intendNow(intent, event('r0', { secrets: ['prod/c@1'] }))).toBeUndefined();
    },
  );

  it('strict: a secret leaves when the queue has its intent, and not while the queue is away', async () => {
    const { trail, store } = newTrail({ mode: 'strict' });
    const taken = trail.intend(event('r0')).kept.then(() => store.batches.length);
    expect(await taken).toBe(1);
    store.mode = 'away';
    const refused = trail.intend(event('r1'));
    expect(await refused.kept).toBe(false);
    trail.recordEnding(event('r1', { decision: 'deny', reason: 'AUDIT_UNAVAILABLE', secrets: [] }), refused.intent);
    store.mode = 'here';
    await until(() => trail.isQueueReachable);
    expect(await trail.intend(event('r2')).kept).toBe(true);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['INTENT', undefined],
      ['OUTCOME', 1],
      ['INTENT', undefined],
    ]);
  });
});
