import { createHmac, hkdfSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Job, UnrecoverableError, withBackend } from 'bullmq';
import type { AuditConsumer, AuditQueue, HandleBatch, HandleEvents, TrailBatch } from '../../ports/audit-queue.ts';
import { VaultFault } from '../../vault/vault-fault.ts';
import { beforeDeadline, orAfter } from '../before-deadline.ts';
import { killedConsumers } from '../queue/killed-consumers.ts';
import { openAnyBatch, packBatch, type SealedBatch, sealBatch } from '../queue/audit-batch.ts';
import {
  auditJobOptions,
  auditQueueName as queueName,
  intakeSchema,
  openAuditIntake,
  queueSchema,
} from './audit-intake.ts';
import { createQueueBackend } from './queue-backend.ts';

const addTimeoutMs = 2_000;
const connectTimeoutMs = 1_500;
const queryTimeoutMs = 5_000;
const closeTimeoutMs = 5_000;
const reconnectMs = 250;
const maxRetryMs = 30_000;
const { Queue, Worker } = withBackend(createQueueBackend);
type BatchQueue = InstanceType<typeof Queue<SealedBatch>>;
type BatchWorker = InstanceType<typeof Worker<SealedBatch>>;

export interface PostgresAuditQueueOptions {
  readonly connectionString: string;
  /** The 32-byte key derived for `audit-queue`. */
  readonly key: Buffer;
}

/** BullMQ's queue on PostgreSQL, as workers fill it. The control plane's consumer makes its tables. */
export class PostgresAuditQueue implements AuditQueue {
  readonly #options: PostgresAuditQueueOptions;
  #queue: Promise<BatchQueue> | undefined;
  #isClosed = false;

  constructor(options: PostgresAuditQueueOptions) {
    this.#options = options;
  }

  /** @throws Error within two seconds when the queue cannot be reached or has no tables yet, or after `close` */
  add(batchId: string, batch: TrailBatch): Promise<void> {
    return this.addPacked(batchId, packBatch(batch));
  }

  /** The same for what `packBatch` made already. */
  async addPacked(batchId: string, packed: string): Promise<void> {
    if (this.#isClosed) throw new Error('The audit queue is closed');
    const batch = sealBatch(this.#options.key, packed);
    await beforeDeadline('adding a batch of the audit trail', addTimeoutMs, async () => {
      const queue = await this.#open();
      await queue.add('batch', batch, { jobId: jobIdOf(this.#options.key, batchId) });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const queue = await this.#queue?.catch(() => undefined);
    if (queue !== undefined) await orAfter(closeTimeoutMs, queue.close());
  }

  /** A queue whose first connection failed stays failed: it is thrown away, and the next batch opens another. */
  #open(): Promise<BatchQueue> {
    this.#queue ??= openQueue(this.#options.connectionString).catch((error: unknown) => {
      this.#queue = undefined;
      throw error;
    });
    return this.#queue;
  }
}

export interface PostgresAuditConsumerOptions extends PostgresAuditQueueOptions {
  /** Told of what goes wrong with the connection, and of batches that cannot be opened; the last of those stay in the queue as failed. */
  readonly report?: (error: Error) => void;
}

/** BullMQ's worker on PostgreSQL. It makes the queue's tables. */
export class PostgresAuditConsumer implements AuditConsumer {
  readonly #options: PostgresAuditConsumerOptions;
  readonly #closing = new AbortController();
  #worker: BatchWorker | undefined;

  constructor(options: PostgresAuditConsumerOptions) {
    this.#options = options;
  }

  /** Resolves when batches are being taken, for which it tries until it succeeds or the consumer is closed. */
  async consume(handle: HandleBatch, handleEvents?: HandleEvents): Promise<void> {
    while (!this.#closing.signal.aborted) {
      let worker: BatchWorker | undefined;
      try {
        await openAuditIntake(this.#options.connectionString);
        if (this.#closing.signal.aborted) return;
        worker = this.#createWorker(handle, handleEvents);
        await worker.waitUntilReady();
        this.#worker = worker;
        worker.run().catch((error: unknown) => this.#report(error));
        return;
      } catch (error) {
        this.#report(error);
        if (worker !== undefined) await orAfter(closeTimeoutMs, worker.close(true));
      }
      await pause(reconnectMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  /** Waits for the batch in hand, at most five seconds: one that is not finished comes again. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#worker !== undefined) await orAfter(closeTimeoutMs, this.#worker.close());
  }

  #createWorker(handle: HandleBatch, handleEvents: HandleEvents = refuseEvents): BatchWorker {
    const { connectionString, key } = this.#options;
    const take = async (job: Job<SealedBatch>): Promise<void> => {
      const batch = openOrGiveUp(key, job);
      await ('events' in batch ? handleEvents(batch.events) : handle(batch));
    };
    const worker = new Worker<SealedBatch>(queueName, take, {
      connection: connectionOf(connectionString, queueSchema),
      autorun: false,
      // A second one would be woken by every batch, and ask in vain: half of all round trips.
      concurrency: 1,
      ...killedConsumers,
      runRetryDelay: reconnectMs,
      settings: { backoffStrategy: (attempts) => Math.min(500 * 2 ** Math.min(attempts, 8), maxRetryMs) },
    });
    worker.on('error', (error) => this.#report(error));
    worker.on('failed', (job, error) => {
      if (error instanceof UnrecoverableError)
        this.#report(new Error(`Audit batch ${job?.id} was given up`, { cause: error }));
    });
    return worker;
  }

  #report(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#options.report?.(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The same for the same batch. Who has a worker's login and not the key cannot tell it beforehand, and put something else in its place. */
function jobIdOf(key: Buffer, batchId: string): string {
  const idKey = Buffer.from(hkdfSync('sha256', key, '', 'onecli/v1/audit-job-ids', 32));
  return `${batchId}-${createHmac('sha256', idKey).update(batchId).digest('base64url').slice(0, 22)}`;
}

/** Sealed with another key, now or by a forger: no attempt will ever open it. */
function openOrGiveUp(key: Buffer, job: Job<SealedBatch>): ReturnType<typeof openAnyBatch> {
  try {
    return openAnyBatch(key, job.data);
  } catch (error) {
    throw error instanceof VaultFault ? new UnrecoverableError(error.message) : error;
  }
}

async function refuseEvents(): Promise<void> {
  throw new Error('Nobody here writes events of workers of the release before');
}

async function openQueue(connectionString: string): Promise<BatchQueue> {
  const queue = new Queue<SealedBatch>(queueName, {
    connection: connectionOf(connectionString, intakeSchema),
    defaultJobOptions: auditJobOptions,
    // Workers may add, and no more.
    skipMetasUpdate: true,
  });
  // A connection that breaks shows in the next batch, which fails or finds another.
  queue.on('error', () => undefined);
  try {
    await queue.waitUntilReady();
    return queue;
  } catch (error) {
    await orAfter(closeTimeoutMs, queue.close());
    throw error;
  }
}

function connectionOf(connectionString: string, schema: string) {
  return {
    connectionString,
    schema,
    max: 2,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  };
}
