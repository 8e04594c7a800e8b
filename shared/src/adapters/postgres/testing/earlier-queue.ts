import { deflateRawSync } from 'node:zlib';
import { withBackend } from 'bullmq';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import { sealMessage } from '../../../vault/sealed-message.ts';
import { createQueueBackend } from '../queue-backend.ts';

const { Queue } = withBackend(createQueueBackend);

/** The queue as a worker of the release before the spool fills it: into BullMQ's own tables, with events by column. */
export class EarlierAuditQueue {
  readonly #queue;
  readonly #key: Buffer;

  constructor({ connectionString, key }: { connectionString: string; key: Buffer }) {
    this.#key = key;
    this.#queue = new Queue<{ sealed: string }>('audit', {
      connection: { connectionString, schema: 'onecli_queue', migrate: false, max: 2 },
      defaultJobOptions: {
        attempts: 1_000_000_000,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: false,
        stackTraceLimit: 1,
      },
      streams: { events: { maxLen: 10 } },
    });
    this.#queue.on('error', () => undefined);
  }

  async add(batchId: string, events: readonly AuditEvent[]): Promise<void> {
    const deflated = deflateRawSync(Buffer.from(packEvents(events), 'utf8'), { level: 1 });
    const sealed = sealMessage(this.#key, 'audit-batch', deflated).toString('base64');
    await this.#queue.add('batch', { sealed }, { jobId: batchId });
  }

  /** How many batches wait, are in hand or were given up. */
  async left(): Promise<number> {
    return this.#queue.getJobCountByTypes('waiting', 'active', 'delayed', 'failed');
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}

const fields = [
  'id',
  'timeMs',
  'worker',
  'revision',
  'requestId',
  'agentId',
  'agent',
  'decision',
  'reason',
  'rule',
  'host',
  'port',

  'method',
  'path',
  'status',
  'latencyMs',
  'requestBytes',
  'responseBytes',
  'secrets',
  'findings',
] as (keyof AuditEvent)[];

function packEvents(events: readonly AuditEvent[]): string {
  return JSON.stringify(Object.fromEntries(fields.map((field) => [field, columnOf(events, field)])));
}

function columnOf(events: readonly AuditEvent[], field: keyof AuditEvent): readonly unknown[] {
  const column = events.map((event) => event[field]);
  return column.every((value) => isSame(value, column[0])) ? column.slice(0, 1) : column;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!Array.isArray(one) || !Array.isArray(other)) return false;
  return one.length === other.length && one.every((element, index) => element === other[index]);
}
