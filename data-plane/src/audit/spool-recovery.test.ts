import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  event,
  FickleStore,
  folder,
  kill,
  newTrail,
  nextTurn,
  range,
  recover,
  segmentsOf,
  spoolForEachTest,
  until,
} from './testing/spool-world.ts';

spoolForEachTest();

describe('the spool of a process that was killed', () => {
  it('is read up to the record that was being written', async () => {
    const made = newTrail();
    made.store.mode = 'away';
    for (const id of range(5)) await made.trail.intend(event(id)).kept;
    kill(made);
    const [name = ''] = segmentsOf(made);
    appendFileSync(join(made.own.path, name), randomBytes(70));
    made.store.mode = 'here';
    const lines = await recover(made.store);
    expect(made.store.entries()).toHaveLength(5);
    expect(lines.join('')).toContain('ends within a record');
  });

  it.each([1, 9, 40, 70, 199])(
    'is read up to the last whole record when %i bytes of its end are missing',
    async (cut) => {
      const made = newTrail();
      made.store.mode = 'away';
      for (const id of range(5)) await made.trail.intend(event(id)).kept;
      kill(made);
      const [name = ''] = segmentsOf(made);
      const path = join(made.own.path, name);
      writeFileSync(path, readFileSync(path).subarray(0, -cut));
      made.store.mode = 'here';
      const lines = await recover(made.store);
      expect(made.store.entries()).toHaveLength(4);
      expect(lines.join('')).toContain('ends within a record');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('is read up to a record that is not as it was written', async () => {
    const made = newTrail();
    made.store.mode = 'away';
    for (const id of range(5)) await made.trail.intend(event(id)).kept;
    kill(made);
    const [name = ''] = segmentsOf(made);
    const path = join(made.own.path, name);
    const bytes = readFileSync(path);
    // Power went before the last block was on the medium.
    bytes.fill(0, bytes.length - 40);
    writeFileSync(path, bytes);
    made.store.mode = 'here';
    const lines = await recover(made.store);
    expect(made.store.entries()).toHaveLength(4);
    expect(lines.join('')).toContain('ends within a record');
  });

  it('is read whole, although its first link is larger than a batch', async () => {
    const made = newTrail({ flushEveryMs: 3_600_000, segmentBytes: 2000 });
    made.store.mode = 'away';
    for (let link = 0; link < 2; link++) {
      for (const id of range(1000)) made.trail.record(event(id, { path: `/${'p'.repeat(1000)}` }));
      await nextTurn();
    }
    kill(made);
    const store = new FickleStore();
    await recover(store);
    expect(store.entries()).toHaveLength(2000);
  });

  it('is left alone while its process lives', async () => {
    const made = newTrail();
    await made.trail.intend(event('r0')).kept;
    await recover(made.store);
    expect(segmentsOf(made)).toHaveLength(1);
    expect(made.store.batches.some(({ batch }) => batch.isEnd)).toBe(false);
  });

  it('gives nothing twice, and several boots one after another', async () => {
    const store = new FickleStore();
    for (const boot of ['b01', 'b02', 'b03']) {
      const made = newTrail({ boot, store, segmentBytes: 1000 });
      for (const id of range(20)) await made.trail.intend(event(id)).kept;
      await until(() => made.delivery.handedThrough === 19);
      kill(made);
    }
    await recover(store);
    for (const boot of ['b01', 'b02', 'b03']) expect(store.entries(boot)).toHaveLength(20);
    expect(readdirSync(folder)).toEqual([]);
  });
});
