import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { event, folder, kindsOf, newTrail, range, spoolForEachTest, until } from './testing/spool-world.ts';

spoolForEachTest();

const mount = (...flags: readonly string[]): boolean => spawnSync('mount', flags).status === 0;
const isMounted = (path: string): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;
const unmount = (path: string): void => void spawnSync('umount', ['-l', path]);

/** Only root may mount, and not in every container. */
const mayMount = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
})();

describe.skipIf(!mayMount)('the spool on a file system of 256 KiB of its own', () => {
  beforeEach(() => {
    if (!mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder)) throw new Error('tmpfs cannot be mounted');
  });
  afterEach(() => {
    while (isMounted(folder)) unmount(folder);
  });

  const fill = (): void => {
    try {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(1 << 20));
    } catch {
      // It is full.
    }
  };
  const free = (): void => rmSync(join(folder, 'filler'));

  it.each(['default', 'durable'] as const)(
    'refuses when it is full, and goes on by itself when there is room, with nothing lost (%s)',
    async (mode) => {
      const { trail, store, lost } = newTrail({ mode, maxWaiting: 1000 });
      store.mode = 'away';
      const before = trail.intend(event('before'));
      expect(await before.kept).toBe(true);
      fill();
      let refused = 0;
      for (const id of range(200))
        if (!(await trail.intend(event(id, { path: `/${'a'.repeat(500)}` })).kept)) refused += 1;
      expect(refused).toBeGreaterThan(150);
      expect(trail.hasRoom).toBe(false);
      trail.recordEnding(event('before'), before.intent);
      free();
      await until(() => trail.hasRoom);
      expect(await trail.intend(event('after')).kept).toBe(true);
      store.mode = 'here';
      await trail.close(10_000);
      expect(kindsOf(store.entries()).filter(([kind]) => kind === 'INTENT')).toHaveLength(202 - refused);
      expect(kindsOf(store.entries()).filter(([kind]) => kind === 'OUTCOME')).toEqual([['OUTCOME', 0]]);
      expect(lost).toEqual([]);
    },
  );

  it('refuses when it becomes read-only, and goes on by itself when it can be written', async () => {
    const { trail, store, own } = newTrail({ segmentBytes: 1 });
    expect(await trail.intend(event('before')).kept).toBe(true);
    trail.record(event('before', { decision: 'deny' }));
    await until(() => trail.pendingCount === 0);
    // A mount over the same place, since a file that is open for writing keeps the first one as it is.
    expect(mount('-o', 'bind', folder, folder) && mount('-o', 'remount,ro,bind', folder)).toBe(true);
    expect(await trail.intend(event('refused')).kept).toBe(false);
    expect(trail.hasRoom).toBe(false);
    unmount(folder);
    await until(() => trail.hasRoom);
    expect(await trail.intend(event('after')).kept).toBe(true);
    await trail.close(10_000);
    expect(store.entries(own.boot).filter(({ kind }) => kind === 'INTENT')).toHaveLength(2);
  });

  it('refuses from the start where it is full at the start', async () => {
    fill();
    const { trail } = newTrail();
    expect(await trail.intend(event('first')).kept).toBe(false);
    free();
    await until(() => trail.hasRoom);
    expect(await trail.intend(event('second')).kept).toBe(true);
  });
});
