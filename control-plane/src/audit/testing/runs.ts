import { type AuditEntry, writeEntry } from '@onecli/shared/domain/audit-entry';
import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { chainStart, linkMac, writeLink } from '@onecli/shared/vault/audit-chain';
import type { DataSource } from 'typeorm';
import type { Served } from '../../api/testing/serve.ts';
import { AuditStore } from '../audit-store.ts';
import { EarlyBatches } from '../early-batches.ts';
import { OpenIntents } from '../open-intents.ts';
import { type TakenLinks, TrailKeeper } from '../trail/trail-keeper.ts';
import { TrailStore } from '../trail-store.ts';
import { sampleEvent } from './sample-event.ts';

export const worker = 'w1';
export type Spec = ['intent'] | ['further', of: number] | ['outcome', of: number] | ['lone'];

/** The store of an instance, and what it keeps and finds wrong. */
export function openTrailStore({ database, keys }: Served, kept: TakenLinks[], faults: string[]): TrailStore {
  const log = { error: () => undefined };
  const { keyring, auditMacKey: macKey } = keys;
  const keeper = new TrailKeeper({ keyring, macKey, log, faulty: (kind) => faults.push(kind) });
  return new TrailStore({
    database,
    store: new AuditStore(database, keyring),
    intents: new OpenIntents(keyring),
    early: new EarlyBatches(keys.auditQueueKey),
    keeper: {
      keep: async (manager, links) => {
        kept.push(links);
        await keeper.keep(manager, links);
      },
    },
    keyring,
    macKey,
  });
}

function entryOf(boot: string, timeMs: number, sequence: number, [kind, of]: Spec): AuditEntry {
  const request = sampleEvent(`${worker}-${boot}-${sequence}`, timeMs + sequence);
  if (kind === 'intent') return { kind: 'INTENT', sequence, of: undefined, ...request };
  if (kind === 'further')
    return { kind: 'INTENT', sequence, of: of ?? 0, timeMs: request.timeMs, secrets: ['prod/further@2'] };
  if (kind === 'outcome') return { kind: 'OUTCOME', sequence, of: of ?? 0, ...request };
  return { kind: 'OUTCOME', sequence, of: undefined, ...request, secrets: [] };
}

/** Batches of a run's trail, each of links of as many entries as are told together, a millisecond after one another from `timeMs` on. */
export function batchesOf(
  { keys: { auditMacKey: key } }: Pick<Served, 'keys'>,
  boot: string,
  timeMs: number,
  specs: readonly Spec[][][],
): TrailBatch[] {
  let mac = chainStart(key, worker, boot);
  let sequence = 0;
  return specs.map((links) => {
    const first = sequence;
    const previousMac = mac;
    const text = links
      .map((link) => {
        const lines = link.map((spec) => writeEntry(entryOf(boot, timeMs, sequence++, spec)));
        mac = linkMac(key, mac, lines.map((line) => `${line}\n`).join(''));
        return writeLink({ lines, mac });
      })
      .join('');
    return { worker, boot, first, last: sequence - 1, oldest: 0, previousMac, isEnd: false, text };
  });
}

export interface Row {
  readonly id: string;
  readonly reason: string;
  readonly status: number;
  readonly secrets: string[];
}

/** The rows that the list has of a run, in their order. */
export function rowsOf(database: DataSource, boot: string): Promise<Row[]> {
  return database.query('SELECT id, reason, status, secrets FROM audit_event WHERE id LIKE $1 ORDER BY time', [
    `${worker}-${boot}-%`,
  ]);
}

/** How far a run is written, as it is stored. */
interface HeadRow {
  readonly through: string;
  readonly mac: string;
  readonly ended_at: Date | null;
}

export async function headRowOf(database: DataSource, boot: string): Promise<HeadRow | undefined> {
  const sql = 'SELECT through, mac, ended_at FROM audit_boot WHERE boot = $1';
  return (await database.query<HeadRow[]>(sql, [boot]))[0];
}

/** What says that a run is over, after its last batch. */
export function ended(batch: TrailBatch): TrailBatch {
  const previousMac = /#([0-9a-f]{64})\n$/.exec(batch.text)?.[1] ?? '';
  return { ...batch, first: batch.last + 1, previousMac, text: '', isEnd: true };
}
