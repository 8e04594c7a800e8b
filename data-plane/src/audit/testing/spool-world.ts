import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditEntry, readEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditConfirmations, AuditQueue, TrailBatch, Written } from '@onecli/shared/ports/audit-queue';
import { chainStart, countWholeLinks, readLinks } from '@onecli/shared/vault/audit-chain';
import { pino } from 'pino';
import { afterEach, beforeEach, expect } from 'vitest';
import type { RecordedEvent } from '../audit-item.ts';
import { AuditTrail } from '../audit-trail.ts';
import type { AuditRun, AuditTrailOptions } from '../audit-trail-options.ts';
import { type BootFolder, bootFolder } from '../spool/boot-folder.ts';
import { Delivery } from '../spool/delivery.ts';
import { Recovery } from '../spool/recovery.ts';
import { Spool } from '../spool/spool.ts';
import { realDisk, type SpoolDisk } from '../spool/spool-disk.ts';

/** A queue and what takes from it: it can be away, can forget what it has, and can take without writing. */
export class FickleStore implements AuditQueue, AuditConfirmations {
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
    return this.links(boot).flat();
  }

  /** The entries of each link, once, in their order. Throws where the chain is broken. */
  links(boot = 'b00'): AuditEntry[][] {
    const links = new Map<number, { lines: readonly string[]; mac: string }>();
    for (const { batch } of this.batches)
      if (batch.boot === boot)
        for (const link of readLinks(batch.text)) links.set(readEntry(link.lines[0] ?? '').sequence, link);
    const ordered = [...links].toSorted(([one], [other]) => one - other).map(([, link]) => link);
    expect(countWholeLinks(macKey, chainStart(macKey, worker, boot), ordered)).toBe(ordered.length);
    const read = ordered.map(({ lines }) => lines.map(readEntry));
    const entries = read.flat();
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index));
    return read;
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
export const spoolKey = randomBytes(32);
/** Of the test that runs. */
export let folder = '';
export const ends: (() => void)[] = [];
/** A spool folder of its own for each test of the file that calls this. */
export function spoolForEachTest(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spool-'));
  });
  afterEach(() => {
    for (const end of ends.splice(0)) end();
    rmSync(folder, { recursive: true, force: true });
  });
}

export function event(requestId: string, more: Partial<RecordedEvent> = {}): RecordedEvent {
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
export const stranger = (requestId: string) =>
  event(requestId, { agentId: undefined, agent: undefined, decision: 'deny' });
export const range = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);
export const enospc = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

interface Made {
  readonly store: FickleStore;
  readonly faulty: FaultyDisk;
  readonly trail: AuditTrail;
  readonly delivery: Delivery;
  readonly own: BootFolder;
  /** Of all runs: another begins where a folder was taken away. */
  readonly boots: string[];
  readonly lost: number[];
  readonly lines: string[];
  /** Nothing of it is written any more, nor looked at. */
  readonly die: () => void;
}

export function newTrail(
  change: Partial<AuditTrailOptions> & {
    boot?: string;
    store?: FickleStore;
    segmentBytes?: number;
    askEveryMs?: number;
    flushEveryMs?: number;
    maxHanded?: number;
    disk?: Partial<SpoolDisk>;
  } = {},
): Made {
  const { boot = 'b00', store = new FickleStore(), segmentBytes = 1 << 20, ...timed } = change;
  const { askEveryMs = 5, flushEveryMs = 1, maxHanded = 1000, disk: onDisk, ...options } = timed;
  const faulty = new FaultyDisk();
  const disk = { ...faulty.disk, ...onDisk };
  const lost: number[] = [];
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const boots: string[] = [];
  const stops: (() => void)[] = [];
  const mode = options.mode ?? 'default';
  const run = (bootId: string): AuditRun => {
    const own = bootFolder(folder, worker, bootId);
    const spool = new Spool({ disk, folder: own, key: spoolKey, segmentBytes, isDurable: mode !== 'default' });
    const parts = { disk, key: spoolKey, folder: own, segments: spool.segments, queue: store, confirmations: store };
    const timing = { flushEveryMs, askEveryMs, againMs: 20, maxHanded, writtenThrough: -1 };
    const beforeReading = (): void => trail.writeHeld();
    const delivery = new Delivery({
      ...parts,
      ...timing,
      log,
      beforeReading,
      onWritten: (through) => spool.removeThrough(through),
    });
    boots.push(bootId);
    stops.push(() => (delivery.stop(), spool.close()));
    return { bootId, spool, delivery };
  };
  const first = run(boot);
  const runs = [first];
  let isDead = false;
  const begin = (): AuditRun => {
    if (isDead) throw new Error('the process is no more');
    return runs.pop() ?? run(`${boot}${boots.length}`);
  };
  const die = (): void => {
    isDead = true;
    faulty.fault = new Error('the process is no more');
    for (const stop of stops) stop();
  };
  // One that still tries to write would do so in the folder of the test that comes next.
  ends.push(die);
  const trail: AuditTrail = new AuditTrail({
    begin,
    worker,
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
  const { delivery } = first;
  return { store, faulty, trail, delivery, own: bootFolder(folder, worker, boot), boots, lost, lines, die };
}

/** As kill -9 leaves it: nothing more is written, and the process that the folder names is no more. */
export function kill({ own, die }: Made): void {
  die();
  writeFileSync(join(own.path, 'owner.json'), JSON.stringify({ pid: 1, startedAt: 'long ago' }));
}

export async function recover(store: FickleStore): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const timing = { flushEveryMs: 1, askEveryMs: 5, againMs: 1000 };
  const parts = { disk: realDisk, key: spoolKey, queue: store, confirmations: store, log };
  await new Recovery({ ...parts, ...timing, spoolFolder: folder, boot: 'feed' }).run();
  return lines;
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
export const kindsOf = (entries: readonly AuditEntry[]) => entries.map(({ kind, of }) => [kind, of]);
export const segmentsOf = ({ own }: Made) => readdirSync(own.path).filter((name) => name.endsWith('.segment'));
