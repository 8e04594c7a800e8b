import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  enospc,
  event,
  folder,
  kill,
  kindsOf,
  newTrail,
  recover,
  spoolForEachTest,
  until,
} from './testing/spool-world.ts';

spoolForEachTest();
afterEach(() => vi.useRealTimers());

type Made = ReturnType<typeof newTrail>;
const kept = ({ trail }: Made, id = 'r0') => trail.intend(event(id)).kept;
const foldersOf = (): string[] => readdirSync(folder).toSorted();

function take({ own: { path } }: Made, how: string): void {
  if (how === 'is moved') renameSync(path, `${path}.recovering-aa`);
  else if (how === 'is removed') rmSync(path, { recursive: true });
  else {
    writeFileSync(join(path, 'new'), '{}');
    renameSync(join(path, 'new'), join(path, 'owner.json'));
  }
}

describe('a worker whose folder is taken while it lives', () => {
  it.each(['is moved', 'is removed', 'has another owner'])(
    'lets no secret leave when it %s, and goes on by itself in a new one',
    async (how) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      const made = newTrail();
      const { trail, store, lines, boots, own } = made;
      const open = trail.intend(event('open'));
      expect(await open.kept).toBe(true);
      await until(() => trail.pendingCount === 0);
      take(made, how);
      const waiting = kept(made);
      vi.advanceTimersByTime(5000);
      expect(trail.hasRoom).toBe(false);
      expect(await Promise.all([waiting, kept(made)])).toEqual([false, false]);
      expect(lines.join('')).toContain('the audit spool cannot be written: requests are refused');
      expect(lines.join('')).toContain('not its own any more');
      trail.recordEnding(event('open'), open.intent);

      await until(() => trail.hasRoom);
      expect(boots).toHaveLength(2);
      const after = trail.intend(event('after'));
      expect(await after.kept).toBe(true);
      trail.recordEnding(event('after'), after.intent);
      await trail.close(5000);
      // Whoever has the folder ends that run; the request that was open in it is told whole in this one.
      expect(store.batches.some(({ batch }) => batch.isEnd && batch.boot === own.boot)).toBe(false);
      const entries = store.entries(boots[1]);
      expect(kindsOf(entries)).toEqual([
        ['OUTCOME', undefined],
        ['INTENT', undefined],
        ['OUTCOME', 1],
      ]);
      expect(entries[0]).toMatchObject({ requestId: 'open', host: 'api.example.com' });
      expect(store.batches.some(({ batch }) => batch.isEnd && batch.boot === boots[1])).toBe(true);
    },
  );

  it('is not ready for a moment, although nothing is asked of it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const made = newTrail();
    expect(await kept(made)).toBe(true);
    take(made, 'is removed');
    vi.advanceTimersByTime(5000);
    expect(made.trail.hasRoom).toBe(false);
    await until(() => made.trail.hasRoom);
  });

  it('looks before it writes when it was stopped for long', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const made = newTrail();
    expect(await kept(made)).toBe(true);
    take(made, 'is moved');
    vi.setSystemTime(Date.now() + 61_000);
    expect(await kept(made)).toBe(false);
  });

  it('takes a further secret in the new run for one that begins, and never one of the old', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const made = newTrail();
    const { trail, store, boots } = made;
    const { intent, kept: isKept } = trail.intend(event('r0'));
    expect(await isKept).toBe(true);
    take(made, 'is moved');
    vi.advanceTimersByTime(5000);
    await until(() => trail.hasRoom);
    const further = trail.intendNow(intent, event('r0', { secrets: ['prod/b@2'] }));
    expect(further).toBeDefined();
    expect(further).not.toBe(intent);
    trail.recordEnding(event('r0'), further ?? intent);
    await trail.close(5000);
    expect(kindsOf(store.entries(boots[1]))).toEqual([
      ['INTENT', undefined],
      ['OUTCOME', 0],
    ]);
  });

  it.each(['durable', 'strict'] as const)('refuses in %s mode what waited for the old folder', async (mode) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let release = (): void => undefined;
    const made = newTrail({ mode, disk: { sync: () => new Promise((resolve) => (release = resolve)) } });
    made.store.add = mode === 'strict' ? () => new Promise(() => undefined) : made.store.add;
    const waiting = kept(made);
    await new Promise((resolve) => setTimeout(resolve, 20));
    take(made, 'is moved');
    vi.advanceTimersByTime(5000);
    await until(() => made.boots.length === 2);
    release();
    expect(await waiting).toBe(false);
  });

  it('begins the new one when the disk has room again, and the next when that is taken too', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const made = newTrail();
    const { trail, faulty, boots } = made;
    expect(await kept(made)).toBe(true);
    take(made, 'is moved');
    faulty.fault = enospc;
    vi.advanceTimersByTime(5000);
    await until(() => boots.length === 2);
    expect(trail.hasRoom).toBe(false);
    faulty.fault = undefined;
    await until(() => trail.hasRoom);
    rmSync(join(folder, `worker-1.${boots[1]}`), { recursive: true });
    vi.advanceTimersByTime(5000);
    await until(() => trail.hasRoom && boots.length === 3);
    expect(await kept(made, 'r1')).toBe(true);
  });

  it('leaves a new folder that is given to the queue by the next start, as the first would be', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const made = newTrail();
    const { trail, store, boots } = made;
    expect(await kept(made)).toBe(true);
    take(made, 'is removed');
    vi.advanceTimersByTime(5000);
    await until(() => trail.hasRoom);
    store.mode = 'away';
    expect(await kept(made, 'later')).toBe(true);
    const own = { ...made.own, path: join(folder, `worker-1.${boots[1]}`) };
    kill({ ...made, own });
    store.mode = 'here';
    vi.useRealTimers();
    await recover(store);
    expect(store.entries(boots[1]).map((entry) => entry.kind)).toEqual(['INTENT']);
    expect(foldersOf()).toEqual([]);
  });
});
