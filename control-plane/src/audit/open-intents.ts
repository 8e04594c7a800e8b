import {
  eventId,
  type FurtherIntentEntry,
  type IntentEntry,
  interruptedReason,
  readEntry,
  writeEntry,
} from '@onecli/shared/domain/audit-entry';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import { type GoneEvent, goneColumns, uncountTraffic } from '../traffic/uncount-traffic.ts';
import { whole } from './audit-columns.ts';
import { DetailOpener, sealDetails } from './detail-seal.ts';
import { addIntent, type OpenIntent } from './merge-entries.ts';

/** A boot of a worker. */
export interface Boot {
  readonly worker: string;
  readonly boot: string;
}

/** Intents of requests that are not over, sealed like the detail of an event: they name paths. */
export class OpenIntents {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /**
   * Keeps intents; those that are there already stay as they are. A request that was closed, and of which more is heard now, is open again,
   * and its event goes: the secrets that leave now are not in it.
   */
  async keep(
    manager: EntityManager,
    { worker, boot }: Boot,
    intents: readonly (IntentEntry | FurtherIntentEntry)[],
  ): Promise<void> {
    if (intents.length === 0) return;
    const details = intents.map((entry) => ({
      eventId: placeOf({ worker, boot }, entry.sequence),
      text: writeEntry(entry),
    }));
    const further = intents.flatMap(({ of }) => of ?? []);
    if (further.length > 0) await this.#reopen(manager, { worker, boot }, further);
    await manager.query(
      `INSERT INTO audit_intent (worker, boot, sequence, first_sequence, time, sealed_line)
       SELECT $1, $2, e.sequence, e.first, to_timestamp(e.time / 1000), decode(e.line, 'hex')
       FROM unnest($3::bigint[], $4::bigint[], $5::float8[], $6::text[]) AS e(sequence, first, time, line)
       ON CONFLICT DO NOTHING`,
      [
        worker,
        boot,
        intents.map(({ sequence }) => sequence),
        intents.map(({ of, sequence }) => of ?? sequence),
        intents.map(({ timeMs }) => whole(timeMs)),
        sealDetails(this.#keyring, details),
      ],
    );
  }

  /**
   * Takes out the intents of requests, or of all that are open, by the sequence of the first of each. Where such a request was closed, its
   * event goes too: what is known now is put in its place.
   */
  async take(
    manager: EntityManager,
    { worker, boot }: Boot,
    firsts: readonly number[] | 'all',
  ): Promise<Map<number, OpenIntent>> {
    if (firsts.length === 0) return new Map();
    const [rows]: [StoredIntent[], number] = await manager.query(
      `DELETE FROM audit_intent WHERE worker = $1 AND boot = $2 ${firsts === 'all' ? '' : 'AND first_sequence = ANY ($3)'}
       RETURNING sequence, first_sequence, time::text AS time, sealed_line, closed_at IS NOT NULL AS is_closed`,
      firsts === 'all' ? [worker, boot] : [worker, boot, firsts],
    );
    const closed = rows.filter((row) => row.is_closed);
    await dropInterrupted(manager, { worker, boot }, closed);
    return this.#opened({ worker, boot }, rows);
  }

  /** The intents of all requests that are open and not closed; closed they are from now on. They stay: their ends may come yet. */
  async close(manager: EntityManager, { worker, boot }: Boot): Promise<Map<number, OpenIntent>> {
    const [rows]: [StoredIntent[], number] = await manager.query(
      `UPDATE audit_intent i SET closed_at = now() WHERE worker = $1 AND boot = $2 AND NOT EXISTS (
         SELECT FROM audit_intent c WHERE c.worker = $1 AND c.boot = $2 AND c.first_sequence = i.first_sequence AND c.closed_at IS NOT NULL)
       RETURNING sequence, first_sequence, time::text AS time, sealed_line, true AS is_closed`,
      [worker, boot],
    );
    return this.#opened({ worker, boot }, rows);
  }

  async #reopen(manager: EntityManager, { worker, boot }: Boot, firsts: readonly number[]): Promise<void> {
    const [rows]: [ClosedIntent[], number] = await manager.query(
      `UPDATE audit_intent SET closed_at = NULL
       WHERE worker = $1 AND boot = $2 AND first_sequence = ANY ($3) AND closed_at IS NOT NULL
       RETURNING first_sequence, time::text AS time`,
      [worker, boot, firsts],
    );
    await dropInterrupted(manager, { worker, boot }, rows);
  }

  #opened({ worker, boot }: Boot, rows: readonly StoredIntent[]): Map<number, OpenIntent> {
    const open = new Map<number, OpenIntent>();
    const opener = new DetailOpener(this.#keyring);
    for (const row of rows.toSorted((one, other) => Number(one.sequence) - Number(other.sequence))) {
      const entry = readEntry(opener.open(placeOf({ worker, boot }, Number(row.sequence)), row.sealed_line));
      if (entry.kind === 'INTENT') addIntent(open, entry);
    }
    return open;
  }
}

interface ClosedIntent {
  readonly first_sequence: string;
  /** As PostgreSQL writes it, whole. */
  readonly time: string;
}

interface StoredIntent extends ClosedIntent {
  readonly sequence: string;
  readonly sealed_line: Buffer;
  readonly is_closed: boolean;
}

/** Drops the events of requests that were closed. Each has the time of one of its intents, which says in which days they lie. */
async function dropInterrupted(
  manager: EntityManager,
  { worker, boot }: Boot,
  closed: readonly ClosedIntent[],
): Promise<void> {
  if (closed.length === 0) return;
  const [gone]: [GoneEvent[], number] = await manager.query(
    `DELETE FROM audit_event WHERE id = ANY ($1) AND time = ANY ($2::timestamptz[]) AND reason = $3 RETURNING ${goneColumns}`,
    [
      closed.map(({ first_sequence }) => eventId(worker, boot, Number(first_sequence))),
      closed.map(({ time }) => time),
      interruptedReason,
    ],
  );
  await uncountTraffic(manager, gone);
}

/** What a sealed line is bound to. */
function placeOf({ worker, boot }: Boot, sequence: number): string {
  return `intent ${worker} ${boot} ${sequence}`;
}
