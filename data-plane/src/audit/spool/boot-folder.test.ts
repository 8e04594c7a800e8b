import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AuditConfirmations, AuditQueue, TrailBatch, Written } from '@onecli/shared/ports/audit-queue';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { abandonedFolders, type BootFolder, bootFolder, FolderClaim, takeFolder } from './boot-folder.ts';
import { Recovery } from './recovery.ts';
import { Spool } from './spool.ts';
import { realDisk as disk } from './spool-disk.ts';

const key = randomBytes(32);
let root = '';
const ends: (() => void)[] = [];
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'spool-'))));
afterEach(() => {
  vi.useRealTimers();
  for (const end of ends.splice(0)) end();
  rmSync(root, { recursive: true, force: true });
});

const seen = () => abandonedFolders(disk, root, 'feed').map(({ path }) => path);
const ownerOf = ({ path }: BootFolder) => join(path, 'owner.json');
const elsewhere = { pid: 1, startedAt: 'then', machineBoot: 'this', namespace: 'pid:[1]' };
const dead = { pid: 1, startedAt: 'long ago' };

function age(path: string, ms: number): void {
  const seconds = (Date.now() - ms) / 1000;
  utimesSync(path, seconds, seconds);
}

function claimed(boot = 'b00', as = boot): { folder: BootFolder; claim: FolderClaim } {
  const folder = bootFolder(root, 'worker-1', boot);
  mkdirSync(folder.path);
  const claim = new FolderClaim(disk, folder, as);
  ends.push(() => claim.stop());
  return { folder, claim };
}

function ownedBy(owner: object, name = 'worker-1.b00'): BootFolder {
  const folder = { path: join(root, name), worker: 'worker-1', boot: 'b00' };
  mkdirSync(folder.path);
  writeFileSync(ownerOf(folder), JSON.stringify(owner));
  return folder;
}

/** Takes all, and says that it is written. */
class Store implements AuditQueue, AuditConfirmations {
  readonly batches: TrailBatch[] = [];
  async add(_id: string, batch: TrailBatch): Promise<void> {
    this.batches.push(batch);
  }
  async close(): Promise<void> {}
  async written(_worker: string, boot: string): Promise<Written | undefined> {
    const own = this.batches.filter((batch) => batch.boot === boot);
    const through = Math.max(-1, ...own.map(({ last }) => last));
    return own.length === 0 ? undefined : { through, isEnded: own.some(({ isEnd }) => isEnd) };
  }
}

function logged(): { lines: string[]; log: Logger } {
  const lines: string[] = [];
  return { lines, log: pino({}, { write: (line: string) => lines.push(line) }) };
}

function recovery(store: Store, boot = 'feed', on = disk): { one: Recovery; lines: string[] } {
  const { lines, log } = logged();
  const timing = { flushEveryMs: 1, askEveryMs: 5, againMs: 1000 };
  const one = new Recovery({
    disk: on,
    key,
    queue: store,
    confirmations: store,
    log,
    ...timing,
    spoolFolder: root,
    boot,
  });
  ends.push(() => one.stop());
  return { one, lines };
}

/** What a killed worker left: a file for each of three links. */
function leave(): BootFolder {
  const folder = bootFolder(root, 'worker-1', 'b00');
  const spool = new Spool({ disk, folder, key, segmentBytes: 1, isDurable: false });
  for (const first of [0, 1, 2]) spool.append({ first, count: 1, text: `{}\n#${'0'.repeat(64)}\n` }, '0'.repeat(64));
  spool.close();
  writeFileSync(ownerOf(folder), JSON.stringify(dead));
  return folder;
}

describe('whose a folder is', () => {
  it('is judged by the process where that can be seen, at once', () => {
    const { folder } = claimed();
    age(ownerOf(folder), 3_600_000);
    expect(seen()).toEqual([]);
    const owner = JSON.parse(readFileSync(ownerOf(folder), 'utf8')) as object;
    writeFileSync(ownerOf(folder), JSON.stringify({ ...owner, startedAt: 'at another time' }));
    expect(seen()).toEqual([folder.path]);
  });

  it.each([
    ['another namespace of process ids', { namespace: 'pid:[1]' }],
    ['another machine, or before this one started', { machineBoot: 'another' }],
  ])('is judged by when it was touched in %s', (_name, place) => {
    const { folder, claim } = claimed();
    claim.stop();
    const owner = JSON.parse(readFileSync(ownerOf(folder), 'utf8')) as object;
    writeFileSync(ownerOf(folder), JSON.stringify({ ...owner, startedAt: 'as seen there', ...place }));
    age(ownerOf(folder), 50_000);
    expect(seen()).toEqual([]);
    age(ownerOf(folder), 61_000);
    expect(seen()).toEqual([folder.path]);
  });

  it('is not known while its owner is about to say so', () => {
    const folder = ownedBy(elsewhere);
    writeFileSync(ownerOf(folder), '{"pid":');
    expect(seen()).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(seen()).toEqual([folder.path]);
  });

  it('is said anew every five seconds', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { folder, claim } = claimed();
    age(ownerOf(folder), 61_000);
    vi.advanceTimersByTime(5000);
    expect(disk.ageMs(ownerOf(folder))).toBeLessThan(60_000);
    claim.stop();
    age(ownerOf(folder), 61_000);
    vi.advanceTimersByTime(5000);
    expect(disk.ageMs(ownerOf(folder))).toBeGreaterThan(60_000);
  });
});

describe('taking an abandoned folder', () => {
  it('is for one of those that try', () => {
    ownedBy(dead);
    const [one] = abandonedFolders(disk, root, 'aa');
    const [other] = abandonedFolders(disk, root, 'bb');
    if (!one || !other) throw new Error('It is not abandoned');
    const taken = takeFolder(disk, root, one, 'aa');
    ends.push(() => taken?.claim.stop());
    expect(takeFolder(disk, root, other, 'bb')).toBeUndefined();
    expect(readdirSync(root)).toEqual(['worker-1.b00.recovering-aa']);
    expect(seen()).toEqual([]);
  });

  it('is possible again when the one that took it is gone, but not while it is about to say so', () => {
    const folder = ownedBy({ ...dead, boot: 'aa' }, 'worker-1.b00.recovering-aa');
    expect(seen()).toEqual([folder.path]);
    writeFileSync(ownerOf(folder), JSON.stringify(dead));
    expect(seen()).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(seen()).toEqual([folder.path]);
  });

  it('lets two recover at once: one gives all, and nothing is left for either', async () => {
    leave();
    const store = new Store();
    const [one, other] = [recovery(store, 'aa'), recovery(store, 'bb')];
    expect(other.one.leftBytes).toBeGreaterThan(0);
    await Promise.all([one.one.run(), other.one.run()]);
    expect([one.one.leftBytes, other.one.leftBytes]).toEqual([0, 0]);
    expect(store.batches.filter(({ isEnd }) => isEnd)).toHaveLength(1);
    expect(readdirSync(root)).toEqual([]);
    expect([...one.lines, ...other.lines].join('')).not.toContain('away');
  });

  it('does not count what another was faster to take', async () => {
    leave();
    const store = new Store();
    const { one, lines } = recovery(store, 'feed', {
      ...disk,
      rename: (path, to) => {
        disk.rename(path, `${path}.recovering-aa`);
        disk.rename(path, to);
      },
    });
    await one.run();
    expect(one.leftBytes).toBe(0);
    expect([store.batches, lines, readdirSync(root)]).toEqual([[], [], ['worker-1.b00.recovering-aa']]);
  });

  it('goes on later with what it has taken itself', () => {
    const { folder, claim } = claimed('b00', 'feed');
    claim.stop();
    renameSync(folder.path, `${folder.path}.recovering-feed`);
    expect(seen()).toEqual([`${folder.path}.recovering-feed`]);
    expect(abandonedFolders(disk, root, 'aa')).toEqual([]);
  });

  it('takes what gets stale later', async () => {
    const folder = leave();
    writeFileSync(ownerOf(folder), JSON.stringify(elsewhere));
    const { one } = recovery(new Store());
    const running = one.keepRunning(5);
    await pause(50);
    expect(readdirSync(root)).toEqual(['worker-1.b00']);
    age(ownerOf(folder), 61_000);
    await vi.waitFor(() => expect(readdirSync(root)).toEqual([]), 10_000);
    one.stop();
    await running;
  });

  it('goes on after a file that is gone', async () => {
    leave();
    const store = new Store();
    const { one, lines } = recovery(store);
    // After the files were listed, before the second is read.
    store.written = async () => {
      rmSync(join(root, 'worker-1.b00.recovering-feed', '0000000001.segment'), { force: true });
      return Store.prototype.written.call(store, 'worker-1', 'b00');
    };
    await one.run();
    expect(store.batches.map(({ first }) => first)).toContain(2);
    expect(store.batches.some(({ isEnd }) => isEnd)).toBe(true);
    expect(readdirSync(root)).toEqual([]);
    expect(lines.join('')).not.toContain('away');
  });
});

describe('a spool', () => {
  it('makes no new file where the folder was', async () => {
    const folder = bootFolder(root, 'worker-1', 'b00');
    const spool = new Spool({ disk, folder, key, segmentBytes: 1, isDurable: false });
    ends.push(() => spool.close());
    const link = { first: 0, count: 1, text: '{}\n' };
    spool.append(link, '');
    rmSync(folder.path, { recursive: true });
    expect(() => spool.append({ ...link, first: 1 }, '')).toThrow('not its own any more');
    expect(readdirSync(root)).toEqual([]);
  });
});
