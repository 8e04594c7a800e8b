import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type AuditEntry, readEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditConfirmations, AuditQueue, TrailBatch, Written } from '@onecli/shared/ports/audit-queue';
import { chainStart, countWholeLinks, readLinks } from '@onecli/shared/vault/audit-chain';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordedEvent } from './audit-item.ts';
import { AuditTrail, type AuditTrailOptions } from './audit-trail.ts';
import { type BootFolder, bootFolder } from './spool/boot-folder.ts';
import { Delivery } from './spool/delivery.ts';
import { Recovery } from './spool/recovery.ts';
import { Spool } from './spool/spool.ts';
import { realDisk, type SpoolDisk } from './spool/spool-disk.ts';

/** A queue and what takes from it: it can be away, can forget what it has, and can take without writing. */
class FickleStore implements AuditQueue, AuditConfirmations {
  mode: 'here' | 'away' | 'answer-lost' | 'forgets' = 'here';
  readonly batches: { readonly id: string; readonly batch: TrailBatch }[] = [];
  calls = 0;

  async add(id: string, batch: TrailBatch): Promise<void> {
    this.calls++;
    if (this.mode === 'away') throw new Error('the queue is away');
    if (this.mode === 'forgets') return;
    this.batches.push({ id, batch });
    if (this.mode === 'answer-lost') throw new Error('the answer was lost');
  }

  async close(): Promise<void> {}

  async written(_worker: string, boot: string): Promise<Written | undefined> {
    let through = -1;
    const own = this.batches.filter(({ batch }) => batch.boot === boot).map(({ batch }) => batch);
    for (const { first, last } of own.toSorted((one, other) => one.first - other.first))
      if (first <= through + 1) through = Math.max(through, last);
    return own.length === 0 ? undefined : { through, isEnded: own.some(({ isEnd }) => isEnd) };
  }

  /** Each entry once, in its order. Throws where the chain is broken. */
  entries(boot = 'b00'): AuditEntry[] {
    const links = new Map<number, { lines: readonly string[]; mac: string }>();
    for (const { batch } of this.batches)
      if (batch.boot === boot)
        for (const link of readLinks(batch.text)) links.set(readEntry(link.lines[0] ?? '').sequence, link);
    const ordered = [...links].toSorted(([one], [other]) => one - other).map(([, link]) => link);
    expect(countWholeLinks(macKey, chainStart(macKey, worker, boot), ordered)).toBe(ordered.length);
    const entries = ordered.flatMap(({ lines }) => lines.map(readEntry));
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index));
    return entries;
  }
}

/** The real disk, until it is told to fail. */
class FaultyDisk {
  fault: NodeJS.ErrnoException | 'short' | undefined;
  syncFault: Error | undefined;
  writes = 0;
  syncs = 0;
  syncNowFault: Error | undefined;
  syncsNow = 0;
  readonly disk: SpoolDisk = {
    ...realDisk,
    create: (path) => {
      if (this.fault instanceof Error) throw this.fault;
      return realDisk.create(path);
    },
    write: (descriptor, bytes) => {
      if (this.fault instanceof Error) throw this.fault;
      this.writes++;
      return realDisk.write(descriptor, this.fault === 'short' ? bytes.subarray(0, bytes.length / 2) : bytes);
    },
    sync: async (descriptor) => {
      this.syncs++;
      if (this.syncFault) throw this.syncFault;
      await realDisk.sync(descriptor);
    },
    syncNow: (descriptor) => {
      this.syncsNow++;
      if (this.syncNowFault) throw this.syncNowFault;
      realDisk.syncNow(descriptor);
    },
  };
}

const worker = 'worker-1';
const macKey = randomBytes(32);
const spoolKey = randomBytes(32);
let folder = '';
const ends: (() => void)[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'spool-'))));
afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(folder, { recursive: true, force: true });
});

function event(requestId: string, more: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    timeMs: 1,
    revision: 1,
    requestId,
    agentId: 'agent-1',
    agent: 'bot',
    decision: 'allow',
    reason: 'ALLOWED',
    rule: 'p/rules/0',
    host: 'api.example.com',
    port: 443,
    method: 'GET',
    path: '/canary-path',
    status: 200,
    latencyMs: 1,
    requestBytes: 0,
    responseBytes: 0,
    secrets: ['prod/openai@1'],
    findings: [],
    ...more,
  };
}
const stranger = (requestId: string) => event(requestId, { agentId: undefined, agent: undefined, decision: 'deny' });
const range = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);
const enospc = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

interface Made {
  readonly store: FickleStore;
  readonly faulty: FaultyDisk;
  readonly trail: AuditTrail;
  readonly delivery: Delivery;
  readonly own: BootFolder;
  readonly lost: number[];
  readonly lines: string[];
}

function newTrail(
  change: Partial<AuditTrailOptions> & {
    boot?: string;
    store?: FickleStore;
    segmentBytes?: number;
    askEveryMs?: number;
    flushEveryMs?: number;
  } = {},
): Made {
  const { boot = 'b00', store = new FickleStore(), segmentBytes = 1 << 20, ...timed } = change;
  const { askEveryMs = 5, flushEveryMs = 1, ...options } = timed;
  const faulty = new FaultyDisk();
  const { disk } = faulty;
  const lost: number[] = [];
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const own = bootFolder(folder, worker, boot);
  const mode = options.mode ?? 'default';
  const spool = new Spool({ disk, folder: own, key: spoolKey, segmentBytes, isDurable: mode !== 'default' });
  const delivery = new Delivery({
    disk,
    key: spoolKey,
    folder: own,
    segments: spool.segments,
    queue: store,
    confirmations: store,
    log,
    flushEveryMs,
    askEveryMs,
    againMs: 20,
    writtenThrough: -1,
    onWritten: (through) => spool.removeThrough(through),
  });
  const trail = new AuditTrail({
    spool,
    delivery,
    worker,
    bootId: boot,
    macKey,
    mode,
    log,
    maxBytes: 1 << 30,
    maxWaiting: 10,
    keptWithinMs: 60_000,
    leftBytes: () => 0,
    onLost: (count) => lost.push(count),
    ...options,
  });
  ends.push(() => delivery.stop());
  return { store, faulty, trail, delivery, own, lost, lines };
}

/** As kill -9 leaves it: nothing is closed, and the process that the folder names is no more. */
function kill({ own, delivery }: Made): void {
  delivery.stop();
  writeFileSync(join(own.path, 'owner.json'), JSON.stringify({ pid: 1, startedAt: 'long ago' }));
}

async function recover(store: FickleStore): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const timing = { flushEveryMs: 1, askEveryMs: 5, againMs: 1000 };
  const parts = { disk: realDisk, key: spoolKey, queue: store, confirmations: store, log };
  await new Recovery({ ...parts, ...timing, spoolFolder: folder }).run();
  return lines;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const kindsOf = (entries: readonly AuditEntry[]) => entries.map(({ kind, of }) => [kind, of]);
const segmentsOf = ({ own }: Made) => readdirSync(own.path).filter((name) => name.endsWith('.segment'));

describe('AuditTrail', () => {
  it('keeps an intent before a secret leaves, and its outcome after, in one chain without gaps', async () => {
    const { trail, store } = newTrail();
    const first = trail.intend(event('r0'));
    const second = trail.intend(event('r1'));
    expect(await Promise.all([first.kept, second.kept])).toEqual([true, true]);
    trail.record(event('r1'), second.intent);
    trail.record(event('lone', { secrets: [] }));
    trail.record(event('r0'), first.intent);
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
    trail.record(event('before'), before.intent);
    expect(await refused.kept).toBe(false);
    expect(trail.hasRoom).toBe(false);
    trail.record(event('refused', { decision: 'deny', reason: 'AUDIT_UNAVAILABLE' }), refused.intent);
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
    trail.record(event('r1', { decision: 'deny', reason: 'AUDIT_UNAVAILABLE', secrets: [] }), refused.intent);
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
