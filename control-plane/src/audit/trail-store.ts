/** Writes batches of workers' trails: each boot's in its order, each entry once, whatever the queue does. */
import { readEntry } from '@onecli/shared/domain/audit-entry';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { type ChainLink, readLinks } from '@onecli/shared/vault/audit-chain';
import type { DataSource, EntityManager } from 'typeorm';
import type { AuditStore } from './audit-store.ts';
import { type BootHead, type HeadKeys, readHead, writeHead } from './boot-head.ts';
import { EventIsThere } from './copy-events.ts';
import type { EarlyBatches } from './early-batches.ts';
import { interruptedEvents, mergeEntries, settledEvent } from './merge-entries.ts';
import type { Boot, OpenIntents } from './open-intents.ts';
import type { TrailKeeper } from './trail/trail-keeper.ts';

export interface TrailStoreOptions extends HeadKeys {
  readonly database: DataSource;
  readonly store: AuditStore;
  readonly intents: OpenIntents;
  readonly early: EarlyBatches;
  /** Keeps the entries themselves, beside the events that they come to. */
  readonly keeper: Pick<TrailKeeper, 'keep'>;
}

/** What a batch, and those that waited for it, brought. */
export interface TakenBatch {
  readonly events: readonly AuditEvent[];
  /** Of the oldest entry, milliseconds since the epoch; undefined when there was none that is new. */
  readonly oldestMs: number | undefined;
}

interface Taking {
  readonly events: AuditEvent[];
  oldestMs: number | undefined;
  /** What was kept of the boot was altered, and no entry says so yet. */
  isAltered: boolean;
  /** Events that may be there already are inserted, which costs more. */
  readonly how: 'append' | 'insert';
}

/** Any number will do; it tells these locks from those of others. */
const lockSeed = 6_627_254_010;

export class TrailStore {
  readonly #options: TrailStoreOptions;

  constructor(options: TrailStoreOptions) {
    this.#options = options;
  }

  /** Writes a batch, and those that waited for it, in one transaction; one that comes early waits for those before it. */
  async take(batch: TrailBatch): Promise<TakenBatch> {
    try {
      return await this.#take(batch, 'append');
    } catch (error) {
      // A database that was restored, or altered, knows less of the boot than of its events.
      if (error instanceof EventIsThere) return this.#take(batch, 'insert');
      throw error;
    }
  }

  #take(batch: TrailBatch, how: Taking['how']): Promise<TakenBatch> {
    const { database, early } = this.#options;
    return database.transaction(async (manager) => {
      await lockRun(manager, batch);
      const read = await readHead(manager, this.#options, batch);
      const taking: Taking = { events: [], oldestMs: undefined, isAltered: read.isAltered, how };
      let { head } = read;
      if (batch.first > head.through + 1 && batch.first > batch.oldest) {
        await early.keep(manager, batch);
        return taking;
      }
      for (let next: TrailBatch | undefined = batch; next; ) {
        head = await this.#write(manager, next, head, taking);
        next = read.isEarlyThere ? await early.takeNext(manager, batch, head.through) : undefined;
      }
      return taking;
    });
  }

  async #write(manager: EntityManager, batch: TrailBatch, head: BootHead, taking: Taking): Promise<BootHead> {
    const { worker, boot, isEnd } = batch;
    const { links, previousMac, first, entries } = newLinks(batch, head);
    if (links.length === 0 && (!isEnd || head.isEnded) && !taking.isAltered) return head;
    const events = await this.#settle(manager, batch, entries);
    await this.#options.store[taking.how](events, manager);
    taking.events.push(...events);
    for (const { timeMs } of entries) taking.oldestMs = Math.min(taking.oldestMs ?? timeMs, timeMs);
    const mac = links.at(-1)?.mac ?? previousMac;
    const through = Math.max(head.through, batch.last);
    const next = { through, mac, isEnded: isEnd || head.isEnded };
    await writeHead(manager, this.#options, batch, next);
    const gap = batch.first > head.through + 1 ? { from: head.through + 1, to: batch.first - 1 } : undefined;
    const isBroken = taking.isAltered || (head.isEnded && links.length > 0);
    taking.isAltered = false;
    await this.#options.keeper.keep(manager, { worker, boot, first, previousMac, links, gap, isEnd, isBroken });
    return next;
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
    // Further secrets of a request whose intent came earlier, and which is over by these entries.
    const over = new Set(outcomes.map(({ of }) => of));
    const still = [...open].filter(([first]) => !over.has(first)).map(([, each]) => each);
    const left = still.flatMap(({ intent, further }) => (intent ? [intent, ...further] : further));
    await intents.keep(manager, { worker, boot }, left);
    if (isEnd) events.push(...interruptedEvents(worker, boot, await intents.take(manager, { worker, boot }, 'all')));
    return events;
  }
}

/** Nobody else writes anything of the run until the transaction ends. */
export async function lockRun(manager: EntityManager, { worker, boot }: Boot): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, $2))', [`${worker}/${boot}`, lockSeed]);
}

/** The links of a batch that are not written yet, with their entries. @throws SyntaxError for a batch that is none */
function newLinks(batch: TrailBatch, { through, mac }: BootHead) {
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
