import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  event,
  folder,
  kill,
  kindsOf,
  newTrail,
  nextTurn,
  range,
  recover,
  segmentsOf,
  spoolForEachTest,
  stranger,
  until,
} from './testing/spool-world.ts';

spoolForEachTest();

describe('AuditTrail', () => {
  it('keeps an intent before a secret leaves, and its outcome after, in one chain without gaps', async () => {
    const { trail, store } = newTrail();
    const first = trail.intend(event('r0'));
    const second = trail.intend(event('r1'));
    expect(await Promise.all([first.kept, second.kept])).toEqual([true, true]);
    trail.recordEnding(event('r1'), second.intent);
    trail.record(event('lone', { secrets: [] }));
    trail.recordEnding(event('r0'), first.intent);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['INTENT', undefined],
      ['OUTCOME', 1],
      ['OUTCOME', undefined],
      ['OUTCOME', 0],
    ]);
  });

  it('writes all of a turn with one call, before anybody goes on', async () => {
    const made = newTrail();
    await made.trail.intend(event('first')).kept;
    const before = made.faulty.writes;
    const kept = range(20).map((id) => made.trail.intend(event(id)).kept);
    for (const id of range(20)) made.trail.record(event(id));
    expect(made.faulty.writes).toBe(before);
    const seen = await Promise.all(kept.map((each) => each.then(() => made.faulty.writes)));
    expect(new Set(seen)).toEqual(new Set([before + 1]));
  });

  it('has it in the file of a process that dies right after', async () => {
    const made = newTrail();
    made.store.mode = 'away';
    await made.trail.intend(event('r0')).kept;
    kill(made);
    made.store.mode = 'here';
    expect((await recover(made.store)).join('')).not.toContain('ends within');
    expect(kindsOf(made.store.entries())).toEqual([['INTENT', undefined]]);
    expect(made.store.batches.at(-1)?.batch).toMatchObject({ isEnd: true, first: 1, last: 0, text: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('tells of further secrets at once, as of the same request', async () => {
    const { trail, store } = newTrail();
    const { intent, kept } = trail.intend(event('r0'));
    await kept;
    expect(trail.intendNow(intent, event('r0', { secrets: ['prod/b@2'] }))).toBe(intent);
    const lone = trail.intendNow(undefined, event('r1'));
    expect(lone?.sequence).toBe(2);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['INTENT', 0],
      ['INTENT', undefined],
    ]);
  });

  it('keeps nothing in its files that can be read', async () => {
    const made = newTrail();
    made.store.mode = 'away';
    for (const id of range(50)) await made.trail.intend(event(id)).kept;
    const bytes = segmentsOf(made).map((name) => readFileSync(join(made.own.path, name), 'latin1'));
    expect(bytes.join('').length).toBeGreaterThan(5000);
    expect(bytes.join('')).not.toMatch(/canary|example|openai|INTENT/);
  });

  it('keeps what the queue does not take on the disk, and gives it in order when the queue is back', async () => {
    const made = newTrail({ segmentBytes: 20_000 });
    const { trail, store } = made;
    store.mode = 'away';
    for (let index = 0; index < 300; index++) {
      trail.record(event(`r${index}`));
      if (index % 3 === 0) await nextTurn();
    }
    await until(() => !trail.isQueueReachable);
    expect(trail.pendingCount).toBe(300);
    expect(segmentsOf(made).length).toBeGreaterThan(2);
    const { calls } = store;
    await nextTurn();
    expect(store.calls).toBe(calls);
    store.mode = 'here';
    await until(() => trail.pendingCount === 0);
    await trail.close(5000);
    expect(store.entries()).toHaveLength(300);
    expect(trail.isQueueReachable).toBe(true);
    expect(segmentsOf(made)).toEqual([]);
  });

  it('gives what comes while the queue takes a batch with the next one, and not at once', async () => {
    const { trail, store } = newTrail({ flushEveryMs: 3_600_000 });
    const add = store.add.bind(store);
    store.add = async (id, batch) => {
      await add(id, batch);
      trail.record(event('meanwhile'));
      await nextTurn();
    };
    trail.record(event('first'));
    await until(() => store.batches.length > 0);
    for (const id of range(50)) {
      trail.record(event(id));
      await nextTurn();
    }
    await pause(100);
    expect(store.batches).toHaveLength(1);
    expect(trail.pendingCount).toBe(51);
    store.add = add;
    await trail.close(5000);
    expect(store.entries()).toHaveLength(52);
  });

  it('gives what is more than a batch at once', async () => {
    const { trail, store } = newTrail({ flushEveryMs: 3_600_000 });
    const path = `/${'p'.repeat(1000)}`;
    for (const id of range(800)) trail.record(event(id, { path }));
    await nextTurn();
    for (const id of range(800)) trail.record(event(id, { path }));
    await until(() => trail.pendingCount === 0);
    expect(store.entries()).toHaveLength(1600);
  });

  it('removes a file only when all of it is written, not when the queue has it', async () => {
    const made = newTrail({ segmentBytes: 2000, askEveryMs: 5 });
    made.store.mode = 'forgets';
    for (const id of range(60)) {
      made.trail.record(event(id));
      await nextTurn();
    }
    await until(() => made.trail.pendingCount === 0);
    const files = segmentsOf(made).length;
    expect(files).toBeGreaterThan(5);
    made.store.mode = 'here';
    // Nobody wrote it: it is given again.
    await until(() => segmentsOf(made).length <= 1);
    await made.trail.close(5000);
    expect(made.store.entries()).toHaveLength(60);
  });

  it('frees nothing when the store names more than it was given', async () => {
    const made = newTrail({ segmentBytes: 500 });
    const { store, trail, lines } = made;
    store.mode = 'forgets';
    for (const id of range(10)) trail.record(event(id));
    await nextTurn();
    const before = segmentsOf(made).length;
    const honest = store.written.bind(store);
    store.written = async () => ({ through: 1e12, isEnded: true });
    await until(() => lines.some((line) => line.includes('nothing is freed')));
    expect(segmentsOf(made).length).toBeGreaterThanOrEqual(before);
    store.written = honest;
    store.mode = 'here';
    await until(() => store.batches.length > 0);
    await trail.close(5000);
    expect(store.entries()).toHaveLength(10);
  });

  it('gives the same batch the same id when the answer was lost', async () => {
    const { trail, store } = newTrail();
    store.mode = 'answer-lost';
    for (const id of range(3)) trail.record(event(id));
    await until(() => !trail.isQueueReachable);
    store.mode = 'here';
    await trail.close(5000);
    expect(new Set(store.batches.map(({ id }) => id)).size).toBe(2);
    expect(store.entries()).toHaveLength(3);
  });

  it('says at its end that the boot is over, or leaves the rest to the next start', async () => {
    const { trail, store, lost, lines } = newTrail();
    store.mode = 'away';
    trail.record(event('r0'));
    await trail.close(50);
    expect(lost).toEqual([]);
    expect(lines.join('')).toContain('waits in the spool');
  });

  it('counts as lost what is recorded after its end', async () => {
    const { trail, lost } = newTrail();
    await trail.close(1000);
    trail.record(event('late'));
    expect(lost).toEqual([1]);
  });

  it('lets strangers take half of the room, and refuses everybody when there is none', async () => {
    const { trail, store, lost } = newTrail({ maxBytes: 4000 });
    store.mode = 'away';
    for (const id of range(100)) {
      trail.record(stranger(id));
      await nextTurn();
    }
    expect(lost.length).toBeGreaterThan(70);
    expect(trail.hasRoom).toBe(true);
    for (const id of range(20)) {
      trail.record(event(id));
      await nextTurn();
    }
    expect(trail.hasRoom).toBe(false);
  });
});
