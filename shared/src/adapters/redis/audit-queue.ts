import { setTimeout as pause } from 'node:timers/promises';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { Cluster, type Redis } from 'ioredis';
import type { AuditConsumer, AuditQueue, QueueCounts, TrailBatch } from '../../ports/audit-queue.ts';
import type { RedisSettings } from '../../redis-settings.ts';
import { beforeDeadline, orAfter } from '../before-deadline.ts';
import { killedConsumers } from '../queue/killed-consumers.ts';
import { openBatch, packBatch, type SealedBatch, sealBatch } from '../queue/audit-batch.ts';
import { openRedis } from './open-redis.ts';

const queueName = 'audit';
const addTimeoutMs = 2_000;
const closeTimeoutMs = 5_000;
const reconnectMs = 250;
const maxRetryMs = 30_000;
/** BullMQ counts attempts in 32 bits; at one in half a minute this many take a thousand years. */
const endlessAttempts = 1_000_000_000;
/** Longer than BullMQ blocks while there is nothing to do. */
const consumerSilentMs = 15_000;
const maxAnswerBytes = 4 * 1024 * 1024;
/** Whole batches come here. */
const maxTakenBytes = 64 * 1024 * 1024;

export interface RedisAuditQueueOptions {
  readonly settings: RedisSettings;
  /** The instance's own, see `redisPrefix`. */
  readonly prefix: string;
  /** The 32-byte key derived for `audit-queue`. */
  readonly key: Buffer;
}

/** BullMQ's queue on Redis, as workers fill it. Nothing is kept here for a Redis that is away: whoever adds keeps it. */
export class RedisAuditQueue implements AuditQueue {
  readonly #options: RedisAuditQueueOptions;
  #opened: { readonly client: Redis | Cluster; readonly queue: Queue<SealedBatch> } | undefined;
  #isClosed = false;

  constructor(options: RedisAuditQueueOptions) {
    this.#options = options;
  }

  /** @throws Error within two seconds when the queue cannot be reached, or after `close` */
  add(batchId: string, batch: TrailBatch): Promise<void> {
    return this.addPacked(batchId, packBatch(batch));
  }

  /** The same for what `packBatch` made already. */
  async addPacked(batchId: string, packed: string): Promise<void> {
    if (this.#isClosed) throw new Error('The audit queue is closed');
    await beforeDeadline('adding a batch of the audit trail', addTimeoutMs, async () => {
      const { client, queue } = (this.#opened ??= this.#open());
      // BullMQ would wait for it, with the batch in hand, and so would every further one.
      await isReady(client);
      await queue.add('batch', sealBatch(this.#options.key, packed), { jobId: batchId });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#opened) return;
    const { client, queue } = this.#opened;
    await orAfter(closeTimeoutMs, queue.close());
    client.disconnect();
  }

  #open() {
    const { settings, prefix } = this.#options;
    const use = { name: 'onecli-audit', silentMs: addTimeoutMs, maxBytesPerSecond: maxAnswerBytes };
    const client = openRedis(settings, use);
    const queue = new Queue<SealedBatch>(queueName, {
      connection: client,
      prefix,
      skipVersionCheck: true,
      defaultJobOptions: {
        attempts: endlessAttempts,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        // What does not open was put there by somebody else, or altered: the worker still has the true batch, and adds it again.
        removeOnFail: true,
        stackTraceLimit: 1,
      },
      // Nobody reads BullMQ's own events of this queue.
      streams: { events: { maxLen: 10 } },
    });
    // A connection that breaks shows in the next batch, which fails or finds another.
    queue.on('error', () => undefined);
    return { client, queue };
  }
}

export interface RedisAuditConsumerOptions extends RedisAuditQueueOptions {
  /** Told of what goes wrong with the connection, of batches that cannot be opened, and of a Redis that may throw keys away. */
  readonly report?: (error: Error) => void;
}

/** BullMQ's worker on Redis. */
export class RedisAuditConsumer implements AuditConsumer {
  readonly #options: RedisAuditConsumerOptions;
  readonly #closing = new AbortController();
  #client: Redis | Cluster | undefined;
  #worker: Worker<SealedBatch> | undefined;

  constructor(options: RedisAuditConsumerOptions) {
    this.#options = options;
  }

  /** Resolves when batches are being taken, for which it tries until it succeeds or the consumer is closed. */
  async consume(handle: (batch: TrailBatch) => Promise<void>): Promise<void> {
    const use = { name: 'onecli-audit', silentMs: consumerSilentMs, maxBytesPerSecond: maxTakenBytes };
    const client = (this.#client = openRedis(this.#options.settings, use));
    while (!this.#closing.signal.aborted) {
      try {
        await beforeDeadline('connecting to the audit queue', addTimeoutMs, () => isReady(client));
        break;
      } catch (error) {
        this.#report(error);
        await pause(reconnectMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
    if (this.#closing.signal.aborted) return;
    this.#worker = this.#createWorker(client, handle);
    this.#worker.run().catch((error: unknown) => this.#report(error));
    await this.#warnOfEviction(client);
  }

  readonly elsewhere = {
    isReachable: (): boolean => this.#client?.status === 'ready',
    count: (): Promise<QueueCounts> => this.#count(),
  };

  async #count(): Promise<QueueCounts> {
    const client = this.#client;
    if (client?.status !== 'ready') throw new Error('Redis cannot be reached');
    const key = (state: string): string => `${this.#options.prefix}:${queueName}:${state}`;
    const [waiting, delayed, active, failed] = await beforeDeadline('counting batches', addTimeoutMs, () =>
      Promise.all([
        client.llen(key('wait')),
        client.zcard(key('delayed')),
        client.llen(key('active')),
        client.zcard(key('failed')),
      ]),
    );
    return { waiting: waiting + delayed, active, failed };
  }

  /** Waits for the batch in hand, at most five seconds: one that is not finished comes again. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#worker !== undefined) await orAfter(closeTimeoutMs, this.#worker.close());
    this.#client?.disconnect();
  }

  #createWorker(client: Redis | Cluster, handle: (batch: TrailBatch) => Promise<void>) {
    const { key, prefix } = this.#options;
    const take = async (job: Job<SealedBatch>) => handle(openOrGiveUp(key, job));
    const worker = new Worker<SealedBatch>(queueName, take, {
      connection: client,
      prefix,
      skipVersionCheck: true,
      autorun: false,
      concurrency: 1,
      ...killedConsumers,
      runRetryDelay: reconnectMs,
      settings: { backoffStrategy: (attempts) => Math.min(500 * 2 ** Math.min(attempts, 8), maxRetryMs) },
    });
    askLaterAfterFault(worker);
    worker.on('error', (error) => this.#report(error));
    worker.on('failed', (job, error) => {
      if (error instanceof UnrecoverableError)
        this.#report(new Error(`Audit batch ${job?.id} was given up`, { cause: error }));
    });
    return worker;
  }

  async #warnOfEviction(client: Redis | Cluster): Promise<void> {
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    try {
      const memory = await Promise.all(nodes.map((node) => node.info('memory')));
      const policy = memory.map((text) => /maxmemory_policy:(\S+)/.exec(text)?.[1]).find((one) => one !== 'noeviction');
      if (policy !== undefined)
        this.#report(
          new Error(`Redis may throw batches away: its maxmemory-policy is ${policy}; set it to noeviction`),
        );
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#options.report?.(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Altered, sealed with another key, or no batch at all: no attempt will ever open it. */
function openOrGiveUp(key: Buffer, job: Job<SealedBatch | null>): TrailBatch {
  try {
    return openBatch(key, { sealed: String(job.data?.sealed) });
  } catch (error) {
    throw new UnrecoverableError(error instanceof Error ? error.message : String(error));
  }
}

/** BullMQ's worker asks for work again at once when its server is gone, a thousand times a second: here a failed question takes a moment. */
function askLaterAfterFault(worker: Worker<SealedBatch>): void {
  const backend = worker.getBackend();
  const moveToActive = backend.moveToActive.bind(backend);
  backend.moveToActive = async (...question) => {
    try {
      return await moveToActive(...question);
    } catch (error) {
      await pause(reconnectMs);
      throw error;
    }
  };
}

/** Resolves when commands can be sent. @throws Error at once when the connection was lost; the caller has a deadline for the first one */
async function isReady(client: Redis | Cluster): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status !== 'connecting' && client.status !== 'connect') throw new Error('Redis cannot be reached');
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      client.off('ready', settle);
      client.off('close', settle);
      if (client.status === 'ready') resolve();
      else reject(new Error('Redis cannot be reached'));
    };
    client.on('ready', settle);
    client.on('close', settle);
  });
}
