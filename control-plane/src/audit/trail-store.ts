/** Writes batches of workers' trails: each boot's in its order, each entry once, whatever the queue does. */
import { readEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { type ChainLink, chainStart, readLinks } from '@onecli/shared/vault/audit-chain';
import type { DataSource, EntityManager } from 'typeorm';
import type { AuditStore } from './audit-store.ts';
import type { EarlyBatches } from './early-batches.ts';
import { interruptedEvents, mergeEntries, settledEvent } from './merge-entries.ts';
import type { Boot, OpenIntents } from './open-intents.ts';
import type { TrailKeeper } from './trail/trail-keeper.ts';

export interface TrailStoreOptions {
  readonly database: DataSource;
  readonly store: AuditStore;
  readonly intents: OpenIntents;
  readonly early: EarlyBatches;
  /** Keeps the entries themselves, beside the events that they come to. */
  readonly keeper: Pick<TrailKeeper, 'keep'>;
  /** The instance's key for `audit-mac`. */
  readonly macKey: Buffer;
}

/** What a batch, and those that waited for it, brought. */
export interface TakenBatch {
  readonly events: readonly AuditEvent[];
  /** Of the oldest entry, milliseconds since the epoch; undefined when there was none that is new. */
  readonly oldestMs: number | undefined;
}

/** How far the trail of a boot is written. */
interface Head {
  readonly through: number;
  /** What the next link follows on, in hex. */
  readonly mac: string;
  readonly isEnded: boolean;
}

interface Taking {
  readonly events: AuditEvent[];
  oldestMs: number | undefined;
}

/** Any number will do; it tells these locks from those of others. */
const lockSeed = 6_627_254_010;

export class TrailStore {
  readonly #options: TrailStoreOptions;

  constructor(options: TrailStoreOptions) {
    this.#options = options;
  }

  /** Writes a batch, and those that waited for it, in one transaction; one that comes early waits for those before it. */
  take(batch: TrailBatch): Promise<TakenBatch> {
    const { database, early } = this.#options;
    return database.transaction('READ COMMITTED', async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, $2))', [
        `${batch.worker}/${batch.boot}`,
        lockSeed,
      ]);
      const taking: Taking = { events: [], oldestMs: undefined };
      let head = await readHead(manager, this.#options.macKey, batch);
      if (batch.first > head.through + 1 && batch.first > batch.oldest) {
        await early.keep(manager, batch);
        return taking;
      }
      for (let next: TrailBatch | undefined = batch; next; ) {
        head = await this.#write(manager, next, head, taking);
        next = await early.takeNext(manager, batch, head.through);
      }
      return taking;
    });
  }

  async #write(manager: EntityManager, batch: TrailBatch, head: Head, taking: Taking): Promise<Head> {
    const { worker, boot, isEnd } = batch;
    const { links, previousMac, first, entries } = newLinks(batch, head);
    if (links.length === 0 && (!isEnd || head.isEnded)) return head;
    const events = await this.#settle(manager, batch, entries);
    await this.#options.store.insert(events, manager);
    taking.events.push(...events);
    for (const { timeMs } of entries) taking.oldestMs = Math.min(taking.oldestMs ?? timeMs, timeMs);
    const mac = links.at(-1)?.mac ?? previousMac;
    const through = Math.max(head.through, batch.last);
    await writeHead(manager, batch, { through, mac });
    const gap = batch.first > head.through + 1 ? { from: head.through + 1, to: batch.first - 1 } : undefined;
    await this.#options.keeper.keep(manager, { worker, boot, first, previousMac, links, gap, isEnd });
    return { through, mac, isEnded: isEnd || head.isEnded };
  }

  /** The events of all requests that are over by these entries; what stays open is kept. */
  async #settle(
    manager: EntityManager,
    { worker, boot, isEnd }: TrailBatch,
    entries: readonly ReturnType<typeof readEntry>[],
  ): Promise<AuditEvent[]> {
    const { intents } = this.#options;
    const { events, open, outcomes } = mergeEntries(worker, boot, entries);
    const earlier = await intents.take(
      manager,
      { worker, boot },
      outcomes.map(({ of }) => of),
    );
    for (const outcome of outcomes) events.push(settledEvent(worker, boot, outcome, earlier.get(outcome.of)));
    const left = [...open.values()].flatMap(({ intent, further }) => (intent ? [intent, ...further] : further));
    await intents.keep(manager, { worker, boot }, left);
    if (isEnd) events.push(...interruptedEvents(worker, boot, await intents.take(manager, { worker, boot }, 'all')));
    return events;
  }
}

/** The links of a batch that are not written yet, with their entries. @throws SyntaxError for a batch that is none */
function newLinks(batch: TrailBatch, { through, mac }: Head) {
  let expected = batch.first;
  const links: ChainLink[] = [];
  const entries: ReturnType<typeof readEntry>[] = [];
  for (const link of readLinks(batch.text)) {
    const found = link.lines.map(readEntry);
    for (const { sequence } of found)
      if (sequence !== expected++)
        throw new SyntaxError(`Entry ${sequence} of the audit trail stands in a wrong place`);
    if (expected - 1 <= through) continue;
    links.push(link);
    entries.push(...found);
  }
  if (expected !== batch.last + 1) throw new SyntaxError('A batch of the audit trail is not what it says');
  const first = entries[0]?.sequence ?? Math.max(batch.first, through + 1);
  // After a gap nobody knows better than the batch.
  return { links, first, previousMac: batch.first > through + 1 ? batch.previousMac : mac, entries };
}

async function readHead(manager: EntityManager, macKey: Buffer, { worker, boot }: Boot): Promise<Head> {
  const [row]: { through: string; mac: string; is_ended: boolean }[] = await manager.query(
    'SELECT through, mac, ended_at IS NOT NULL AS is_ended FROM audit_boot WHERE worker = $1 AND boot = $2',
    [worker, boot],
  );
  if (row) return { through: Number(row.through), mac: row.mac, isEnded: row.is_ended };
  return { through: -1, mac: chainStart(macKey, worker, boot), isEnded: false };
}

async function writeHead(
  manager: EntityManager,
  { worker, boot, isEnd }: TrailBatch,
  { through, mac }: { readonly through: number; readonly mac: string },
): Promise<void> {
  await manager.query(
    `INSERT INTO audit_boot AS b (worker, boot, through, mac, ended_at) VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)
     ON CONFLICT (worker, boot) DO UPDATE
     SET through = excluded.through, mac = excluded.mac, updated_at = now(), ended_at = coalesce(b.ended_at, excluded.ended_at)`,
    [worker, boot, through, mac, isEnd],
  );
}
