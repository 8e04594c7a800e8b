import { describe, expect, it } from 'vitest';
import type { Intent } from './audit-item.ts';
import type { AuditTrail } from './audit-trail.ts';
import {
  enospc,
  event,
  kill,
  kindsOf,
  newTrail,
  nextTurn,
  range,
  recover,
  spoolForEachTest,
  until,
} from './testing/spool-world.ts';

spoolForEachTest();

/** The intent of a request, once it is in the spool. */
async function begun(trail: AuditTrail, id: string): Promise<Intent> {
  const { intent, kept } = trail.intend(event(id));
  expect(await kept).toBe(true);
  return intent;
}

describe('the outcome of a request that has an intent', () => {
  it('goes with the link of the next turn that has one', async () => {
    const { trail, faulty, store } = newTrail({ flushEveryMs: 60_000 });
    const intent = await begun(trail, 'r0');
    const before = faulty.writes;
    trail.recordEnding(event('r0'), intent);
    await nextTurn();
    expect(faulty.writes).toBe(before);
    await begun(trail, 'r1');
    expect(faulty.writes).toBe(before + 1);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['OUTCOME', 0],
      ['INTENT', undefined],
    ]);
  });

  it('goes by itself when none comes', async () => {
    const { trail, faulty } = newTrail({ flushEveryMs: 60_000 });
    const intent = await begun(trail, 'r0');
    const before = faulty.writes;
    trail.recordEnding(event('r0'), intent);
    expect(faulty.writes).toBe(before);
    await until(() => faulty.writes > before);
  });

  it('is there when the files are read, so that it travels with its intent', async () => {
    const { trail, store } = newTrail({ flushEveryMs: 60_000 });
    trail.recordEnding(event('r0'), await begun(trail, 'r0'));
    await until(() => store.batches.length > 0);
    expect(store.batches[0]?.batch).toMatchObject({ first: 0, last: 1 });
  });

  it('waits with some hundred others at most', async () => {
    const { trail, faulty } = newTrail({ flushEveryMs: 60_000 });
    const intents: Intent[] = [];
    for (const id of range(257)) intents.push(await begun(trail, id));
    const before = faulty.writes;
    for (const intent of intents) trail.recordEnding(event('r'), intent);
    expect(faulty.writes).toBe(before);
    await nextTurn();
    expect(faulty.writes).toBe(before + 1);
  });

  it('is all that a killed process loses of it', async () => {
    const made = newTrail({ flushEveryMs: 60_000 });
    made.store.mode = 'away';
    made.trail.recordEnding(event('r0'), await begun(made.trail, 'r0'));
    kill(made);
    made.store.mode = 'here';
    await recover(made.store);
    expect(kindsOf(made.store.entries())).toEqual([['INTENT', undefined]]);
  });

  it('is written by a process that ends in order', async () => {
    const { trail, store } = newTrail({ flushEveryMs: 60_000 });
    trail.recordEnding(event('r0'), await begun(trail, 'r0'));
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['OUTCOME', 0],
    ]);
  });

  it('outlasts a disk that is full', async () => {
    const { trail, faulty, store } = newTrail();
    const intents = [await begun(trail, 'r0'), await begun(trail, 'r1')];
    faulty.fault = enospc;
    const [first, second] = intents as [Intent, Intent];
    trail.recordEnding(event('r0'), first);
    expect(await trail.intend(event('r2')).kept).toBe(false);
    trail.recordEnding(event('r1'), second);
    faulty.fault = undefined;
    await until(() => trail.hasRoom);
    await trail.close(5000);
    expect(kindsOf(store.entries())).toEqual([
      ['INTENT', undefined],
      ['INTENT', undefined],
      ['OUTCOME', 0],
      ['OUTCOME', 1],
    ]);
  });

  it('is told to be lost after the end', async () => {
    const { trail, lost } = newTrail();
    const intent = await begun(trail, 'r0');
    await trail.close(5000);
    trail.recordEnding(event('r0'), intent);
    expect(lost).toEqual([1]);
  });
});
