/**
 * Keeps the configuration in force in a file, so that a worker that is restarted while nothing behind it answers serves again.
 * A change costs the size of the change: it is added to the file; the whole is written anew only when what was added has grown large.
 * Writing happens beside serving, a part in each turn of the event loop, and a file that cannot be written stops nothing.
 */
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Snapshot } from '@onecli/shared/domain/snapshot';
import type {
  ConfigChanges,
  Instance,
  SealedAgent,
  SealedPolicy,
  SealedRoute,
} from '@onecli/shared/ports/snapshot-source';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { Logger } from 'pino';
import { headAfter, joinRecords, type KeptConfiguration, type KeptHead, type KeptRecord } from './kept-records.ts';
import { type ReadSnapshotFile, readSnapshotFile, SnapshotFileFault, SnapshotFileWriter } from './snapshot-file.ts';

/** So often it is written down that the store had nothing newer: by so much a restarted worker may think it older. */
const confirmEveryMs = 60_000;
const retryMs = 10_000;
/**
 * What was applied is written so much later: what else follows the same change on this machine, to refuse what it takes away, goes
 * first, and changes shortly after one another are written by one write.
 */
const gatherMs = 40;
/** Rows that are sealed at once. */
const rowsAtOnce = 500;
const leastGrowthBytes = 1_048_576;

export interface LastKnownGoodOptions {
  readonly path: string;
  readonly master: MasterKey;
  /** Older than this since the store last confirmed it, it is not used. Infinity: however old. */
  readonly maxAgeMs: number;
  readonly log: Logger;
}

export class LastKnownGood {
  readonly #options: LastKnownGoodOptions;
  #instance: Instance | undefined;
  #key: Buffer | undefined;
  #read: ReadSnapshotFile | undefined;
  #writer: SnapshotFileWriter | undefined;
  /** Bytes of the file when it was last written whole. */
  #wholeBytes = 0;
  #head: KeptHead | undefined;
  #snapshot: Snapshot | undefined;
  /** A snapshot holds these opened, and agents without what proves them. */
  readonly #policies = new Map<string, SealedPolicy>();
  readonly #routes = new Map<string, SealedRoute>();
  readonly #agents = new Map<string, StoredOfAgent>();
  #isWholeDue = false;
  readonly #pending: KeptRecord[] = [];
  readonly #waiting: (() => void)[] = [];
  #confirmedAtMs = 0;
  #writtenConfirmedAtMs = 0;
  #writing: Promise<void> | undefined;
  #isBroken = false;
  readonly #closing = new AbortController();

  constructor(options: LastKnownGoodOptions) {
    this.#options = options;
  }

  /** What the file holds, if it may be used. Why it may not is logged. */
  restore(nowMs = Date.now()): KeptConfiguration | undefined {
    const { path, master, maxAgeMs, log } = this.#options;
    try {
      const read = readSnapshotFile(path, master);
      if (read === undefined) return undefined;
      const kept = joinRecords(read.records);
      const ageMs = nowMs - kept.confirmedAtMs;
      if (ageMs > maxAgeMs)
        throw new SnapshotFileFault(`nobody has confirmed it for ${Math.round(ageMs / 3_600_000)} h`);
      if (read.isTorn) log.warn({ path }, 'the last change in the snapshot file is not whole: it was left out');
      this.#read = read;
      return kept;
    } catch (error) {
      if (!(error instanceof SnapshotFileFault)) throw error;
      log.error({ path, reason: error.message }, 'the snapshot file is not used');
      return undefined;
    }
  }

  /** To be called before anything is kept. `isRestored`: what `restore` gave is taken, and its file is added to. */
  begin(instance: Instance, isRestored: boolean): void {
    this.#instance = instance;
    this.#key = this.#options.master.derive('snapshot-file', instance.id);
    if (!isRestored) this.#read = undefined;
  }

  /** Another configuration is in force. `isKept`: it came from the file. After `close` the file stays as it is. */
  applied(changes: ConfigChanges, snapshot: Snapshot, isKept = false): void {
    if (this.#closing.signal.aborted) return;
    this.#follow(changes, snapshot);
    if (isKept) return;
    const confirmedAtMs = Date.now();
    this.#confirmedAtMs = confirmedAtMs;
    if (changes.isWhole) this.#isWholeDue = true;
    else this.#pending.push({ kind: 'change', changes, confirmedAtMs });
    this.#begin();
  }

  /** Resolves when the file holds what was applied so far, or nothing. */
  settled(): Promise<void> {
    return this.#writing === undefined || this.#isBroken
      ? Promise.resolve()
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The store has nothing newer than what is in force. Nothing happens after `close`. */
  confirmed(nowMs = Date.now()): void {
    if (this.#closing.signal.aborted) return;
    this.#confirmedAtMs = nowMs;
    if (nowMs - this.#writtenConfirmedAtMs < confirmEveryMs || this.#snapshot === undefined) return;
    this.#writtenConfirmedAtMs = nowMs;
    this.#pending.push({ kind: 'confirmed', confirmedAtMs: nowMs });
    this.#begin();
  }

  /** Resolves when what there is to write was written, or cannot be. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    await this.#writer?.close();
  }

  #follow(changes: ConfigChanges, snapshot: Snapshot): void {
    const maps = [this.#policies, this.#routes, this.#agents];
    if (changes.isWhole) for (const map of maps) map.clear();
    for (const id of changes.removedIds) for (const map of maps) map.delete(id);
    for (const policy of changes.policies) this.#policies.set(policy.id, policy);
    for (const route of changes.routes) this.#routes.set(route.id, route);
    for (const { id, sealedIdentities, mac } of changes.agents) this.#agents.set(id, { sealedIdentities, mac });
    this.#head = changes.isWhole || this.#head === undefined ? headOf(changes) : headAfter(this.#head, changes);
    this.#snapshot = snapshot;
  }

  #begin(): void {
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await pause(gatherMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    while (this.#isWholeDue || this.#pending.length > 0) {
      let waiting: (() => void)[] = [];
      try {
        this.#writer ??= await this.#resume();
        waiting = this.#waiting.splice(0);
        await this.#writeOnce();
        if (this.#isBroken) this.#options.log.info({ path: this.#options.path }, 'the snapshot file is written again');
        this.#isBroken = false;
      } catch (error) {
        await this.#giveUp(error);
      }
      for (const done of waiting) done();
      if (this.#isBroken && !(await this.#pauseBroken())) break;
    }
    // In the same turn as the last look at what is due: what comes from here on begins anew.
    this.#writing = undefined;
    for (const done of this.#waiting.splice(0)) done();
  }

  /** A file that is older than what this worker has said it applied must not be what it begins with. */
  async #giveUp(error: unknown): Promise<void> {
    const { path, log } = this.#options;
    this.#isWholeDue = true;
    await this.#drop();
    await rm(path, { force: true }).catch((cause: unknown) =>
      log.error({ err: cause, path }, 'it cannot be taken away'),
    );
    if (!this.#isBroken)
      log.error(
        { err: error, path },
        'the snapshot file cannot be written and was taken away: after a restart this worker would wait for the database',
      );
    this.#isBroken = true;
  }

  /** False when there is nothing more to be done. */
  async #pauseBroken(): Promise<boolean> {
    const { signal } = this.#closing;
    for (const done of this.#waiting.splice(0)) done();
    await pause(retryMs, undefined, { ref: false, signal }).catch(() => undefined);
    return !signal.aborted;
  }

  async #writeOnce(): Promise<void> {
    const writer = this.#writer;
    const hasGrown = writer !== undefined && writer.bytes > this.#wholeBytes * 1.5 + leastGrowthBytes;
    if (this.#isWholeDue || hasGrown || writer === undefined) return this.#writeWhole();
    const records = this.#pending.splice(0);
    const last = records.pop();
    for (const record of records) await writer.write(record);
    if (last !== undefined) await writer.append(last);
  }

  async #resume(): Promise<SnapshotFileWriter | undefined> {
    const read = this.#read;
    this.#read = undefined;
    if (read === undefined || this.#key === undefined) return undefined;
    this.#wholeBytes = read.at;
    return SnapshotFileWriter.resume(this.#options.path, this.#key, read);
  }

  async #writeWhole(): Promise<void> {
    const [instance, head, snapshot, key] = [this.#instance, this.#head, this.#snapshot, this.#key];
    if (instance === undefined || head === undefined || snapshot === undefined || key === undefined) return;
    // Of this moment, all of it: what comes from here on is added to the new file.
    this.#isWholeDue = false;
    this.#pending.length = 0;
    const records = wholeRecords({ instance: { ...instance, keys: head.keys }, head, snapshot }, this.#confirmedAtMs, {
      policies: [...this.#policies.values()],
      routes: [...this.#routes.values()],
      agents: new Map(this.#agents),
    });
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const next = await SnapshotFileWriter.create(path, key, instance.id);
    await this.#drop();
    this.#writer = next;
    for (const record of records) {
      await next.write(record);
      await nextTurn();
    }
    await next.commit();
    this.#wholeBytes = next.bytes;
  }

  async #drop(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }
}

function headOf({ revision, epoch, keys, authority, otherAuthorities, clientAuthorities }: ConfigChanges): KeptHead {
  return { revision, epoch, keys, authority, otherAuthorities, clientAuthorities };
}

/** What the store says of an agent, and its record in a snapshot does not. */
type StoredOfAgent = Pick<SealedAgent, 'sealedIdentities' | 'mac'>;
const unknown: StoredOfAgent = { sealedIdentities: undefined, mac: undefined };

interface Sealed {
  readonly policies: readonly SealedPolicy[];
  readonly routes: readonly SealedRoute[];
  readonly agents: ReadonlyMap<string, StoredOfAgent>;
}

function* wholeRecords(
  { instance, head, snapshot }: { instance: Instance; head: KeptHead; snapshot: Snapshot },
  confirmedAtMs: number,
  { policies, routes, agents: stored }: Sealed,
): Generator<KeptRecord> {
  yield { kind: 'whole', instance, head, confirmedAtMs };
  for (const secrets of chunks(snapshot.secrets.values())) yield { kind: 'rows', rows: { secrets } };
  for (const agents of chunks(snapshot.agents.values())) {
    const rows = agents.map(({ identities: _opened, ...agent }) => ({
      ...agent,
      ...(stored.get(agent.id) ?? unknown),
    }));
    yield { kind: 'rows', rows: { agents: rows } };
  }
  for (const chunk of chunks(policies)) yield { kind: 'rows', rows: { policies: chunk } };
  for (const chunk of chunks(routes)) yield { kind: 'rows', rows: { routes: chunk } };
  yield { kind: 'complete' };
}

function* chunks<Row>(rows: Iterable<Row>): Generator<Row[]> {
  let chunk: Row[] = [];
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length < rowsAtOnce) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
