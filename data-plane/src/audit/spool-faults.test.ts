import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SegmentWriter } from './spool/segment-file.ts';
import { realDisk } from './spool/spool-disk.ts';
import {
  ends,
  enospc,
  event,
  folder,
  newTrail,
  nextTurn,
  spoolForEachTest,
  spoolKey,
  until,
} from './testing/spool-world.ts';

const eio = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
const refused = (requestId: string) => event(requestId, { decision: 'deny', reason: 'POLICY_DENIED' });
spoolForEachTest();

describe('what gathered while the disk was full', () => {
  it('is written in links that can be read, and requests go on between them', async () => {
    let isFull = false;
    let turn = 0;
    const turns: number[] = [];
    const { trail, store, lost } = newTrail({
      maxWaiting: 100_000,
      disk: {
        write: (descriptor, bytes) => {
          if (isFull) throw enospc;
          if (bytes.length > 1000) turns.push(turn);
          return realDisk.write(descriptor, bytes);
        },
        create: (path) => {
          if (isFull) throw enospc;
          return realDisk.create(path);
        },
      },
      segmentBytes: 4 << 20,
    });
    await trail.intend(event('first')).kept;
    isFull = true;
    for (let index = 0; index < 2500; index++) trail.record(event(`r${index}`));
    for (let index = 0; index < 2500; index++) trail.record(event(`l${index}`, { path: `/${'a'.repeat(3000)}` }));
    await until(() => !trail.hasRoom);
    isFull = false;
    const count = (): void => {
      turn++;
      if (!trail.hasRoom) setImmediate(count);
    };
    count();
    await until(() => trail.hasRoom);
    await until(() => trail.pendingCount === 0);
    expect(lost).toEqual([]);
    const entries = store.links();
    const links = entries.map(({ length }) => length);
    const pathBytes = entries.map((link) =>
      link.reduce((sum, entry) => sum + ('path' in entry ? entry.path.length : 0), 0),
    );
    expect(links.reduce((sum, entries) => sum + entries)).toBe(5001);
    expect(Math.max(...links)).toBe(1000);
    expect(Math.max(...pathBytes)).toBeLessThan(1 << 20);
    expect(turns.length).toBeGreaterThan(4);
    expect(new Set(turns).size).toBe(turns.length);
  });

  it('is not written at all where it would not be read', () => {
    const head = { first: 0, count: 0, text: '' };
    const writer = SegmentWriter.create(realDisk, join(folder, 'one'), spoolKey, head);
    const { bytes } = writer;
    expect(() => writer.append({ first: 0, count: 1, text: 'a'.repeat(64 << 20) })).toThrow('too long to be read');
    expect(writer.bytes).toBe(bytes);
    writer.close();
  });
});

describe('an intent', () => {
  it('is refused at once while the disk is full', async () => {
    const full = (): never => {
      throw enospc;
    };
    const { trail } = newTrail({ disk: { create: full } });
    trail.record(event('r0'));
    await until(() => !trail.hasRoom);
    expect(await trail.intend(event('late')).kept).toBe(false);
  });

  it('is refused after the end', async () => {
    const { trail } = newTrail();
    await trail.close(50);
    expect(await trail.intend(event('late')).kept).toBe(false);
  });

  it('is refused in strict mode while as much is on its way as can be', async () => {
    const { trail, store } = newTrail({ mode: 'strict', maxHanded: 2 });
    store.written = async () => undefined;
    expect(await trail.intend(event('r0')).kept).toBe(true);
    expect(await trail.intend(event('r1')).kept).toBe(true);
    expect(await trail.intend(event('r2')).kept).toBe(false);
    store.written = async () => ({ through: 1, isEnded: false });
    await until(() => trail.pendingCount === 0);
    expect(await trail.intend(event('r3')).kept).toBe(true);
  });

  it('is refused when the queue does not answer', async () => {
    const { trail, store } = newTrail({ mode: 'strict', keptWithinMs: 30 });
    store.add = () => new Promise(() => undefined);
    expect(await trail.intend(event('r0')).kept).toBe(false);
  });

  it('is refused when the medium does not answer', async () => {
    const { trail } = newTrail({
      mode: 'durable',
      keptWithinMs: 30,
      disk: { sync: () => new Promise(() => undefined) },
    });
    expect(await trail.intend(event('r0')).kept).toBe(false);
  });
});

describe('a fault of the medium, which the system tells once', () => {
  it('refuses those that wait, when a further secret met it', async () => {
    let isTold = true;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      throw eio;
    };
    const { trail } = newTrail({ mode: 'durable', disk: { syncNow: tell, sync: async () => tell() } });
    expect(await trail.intend(event('before')).kept).toBe(true);
    isTold = false;
    const other = trail.intend(event('other'));
    expect(trail.intendNow(undefined, event('further'))).toBeUndefined();
    expect(await other.kept).toBe(false);
    expect(await trail.intend(event('after')).kept).toBe(true);
  });

  it.each([1, 1 << 20])(
    'refuses those that came while it was not known yet (files of %i bytes)',
    async (segmentBytes) => {
      const calls: ((error?: Error) => void)[] = [];
      const sync = () =>
        new Promise<void>((resolve, reject) => calls.push((error) => (error ? reject(error) : resolve())));
      const { trail } = newTrail({ mode: 'durable', segmentBytes, disk: { sync } });
      const first = trail.intend(event('r0'));
      await until(() => calls.length === 1);
      const second = trail.intend(event('r1'));
      await nextTurn();
      await nextTurn();
      calls[0]?.(eio);
      expect(await first.kept).toBe(false);
      const later = setInterval(() => calls.at(-1)?.(), 2);
      ends.push(() => clearInterval(later));
      expect(await second.kept).toBe(false);
      expect(await trail.intend(event('r2')).kept).toBe(true);
    },
  );

  it('refuses those whose file was ended with it', async () => {
    let fault: Error | undefined;
    const syncNow = (descriptor: number): void => {
      if (fault) throw fault;
      realDisk.syncNow(descriptor);
    };
    let go = (): void => undefined;
    const sync = () => new Promise<void>((resolve) => (go = resolve));
    const { trail } = newTrail({ mode: 'durable', segmentBytes: 1, disk: { syncNow, sync } });
    const first = trail.intend(event('r0'));
    await nextTurn();
    await nextTurn();
    fault = eio;
    const second = trail.intend(event('r1'));
    await nextTurn();
    await nextTurn();
    const later = setInterval(() => go(), 2);
    ends.push(() => clearInterval(later));
    expect(await first.kept).toBe(false);
    fault = undefined;
    await second.kept;
    expect(await trail.intend(event('r2')).kept).toBe(true);
  });

  it('is looked for in a file of its own when another call may be told it', async () => {
    const calls: { readonly descriptor: number; readonly resolve: () => void }[] = [];
    const now: number[] = [];
    const sync = (descriptor: number) => new Promise<void>((resolve) => calls.push({ descriptor, resolve }));
    const closed: number[] = [];
    const { trail, own } = newTrail({
      mode: 'durable',
      disk: { sync, syncNow: (descriptor) => now.push(descriptor), close: (descriptor) => closed.push(descriptor) },
    });
    const first = trail.intend(event('r0'));
    await until(() => calls.length === 1);
    expect(trail.intendNow(undefined, event('further'))).toBeDefined();
    expect(now.at(-1)).not.toBe(calls[0]?.descriptor);
    expect(readdirSync(own.path).filter((name) => name.endsWith('.segment'))).toHaveLength(2);
    // Its number would go to another file while that call runs.
    expect(closed).toEqual([]);
    calls[0]?.resolve();
    expect(await first.kept).toBe(true);
    expect(closed).toEqual([calls[0]?.descriptor]);
  });

  it('may be that of the folder of a new file', async () => {
    const synced: string[] = [];
    let fault: Error | undefined;
    const syncFolder = (path: string): void => {
      if (fault) throw fault;
      realDisk.syncFolder(path);
      synced.push(path);
    };
    const { trail, own } = newTrail({ mode: 'durable', segmentBytes: 1, disk: { syncFolder } });
    expect(await trail.intend(event('r0')).kept).toBe(true);
    expect(synced).toEqual([own.path, dirname(own.path), dirname(dirname(own.path))]);
    fault = eio;
    expect(await trail.intend(event('r1')).kept).toBe(false);
    expect(trail.hasRoom).toBe(false);
    fault = undefined;
    await until(() => trail.hasRoom);
    expect(await trail.intend(event('r2')).kept).toBe(true);
  });
});

describe('the room of the spool', () => {
  it('is never all taken by what is refused to an agent, and what has an intent is kept in any case', async () => {
    const { trail, lost } = newTrail({ maxBytes: 8000 });
    const begun = trail.intend(event('begun', { secrets: ['prod/openai@1'] }));
    await begun.kept;
    for (let index = 0; index < 100; index++) {
      trail.record(refused(`r${index}`));
      await nextTurn();
    }
    expect(lost.length).toBeGreaterThan(50);
    expect(trail.hasRoom).toBe(true);
    const before = lost.length;
    trail.recordEnding(refused('begun'), begun.intent);
    expect(lost).toHaveLength(before);
    expect(await trail.intend(event('another')).kept).toBe(true);
  });
});
