import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AuditQueue, TrailBatch } from '../../ports/audit-queue.ts';
import type { AuditQueueStore, AuditThreadAnswer, AuditThreadData, AuditThreadRequest } from './audit-queue-thread.ts';
import { orAfter } from '../before-deadline.ts';
import { packBatch } from './audit-batch.ts';

/** Longer than the queue itself takes to give up, so that what it says is heard. */
const defaultAnswerTimeoutMs = 5_000;
const closeTimeoutMs = 5_000;
/**
 * Batches die young and are collected soon. The old generation has no bound of its own: reaching it would end the whole
 * process, and what a thread is given is bounded by the size of a batch.
 */
const memory = { maxYoungGenerationSizeMb: 8 };

export interface ThreadedAuditQueueOptions {
  readonly store: AuditQueueStore;
  /** The 32-byte key derived for `audit-queue`. */
  readonly key: Buffer;
  /** The thread's program, if not our own. */
  readonly file?: URL;
  /** How long an answer is waited for. Default: 5 s. */
  readonly answerTimeoutMs?: number;
}

const ownFile = new URL(`audit-queue-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * An audit queue on a thread of its own: compressing, sealing and the queue's statements hold no request up. The
 * thread keeps nothing that is not also with whoever called `add`, who gives it again when the thread dies: the next
 * batch starts another. It ends with the process.
 */
export class ThreadedAuditQueue implements AuditQueue {
  readonly #options: ThreadedAuditQueueOptions;
  #thread: AuditThread | undefined;
  #isClosed = false;

  constructor(options: ThreadedAuditQueueOptions) {
    this.#options = options;
  }

  /** Starts the thread ahead of the first batch, which would else wait for it. */
  start(): void {
    if (!this.#isClosed && !this.#thread?.isAlive) this.#thread = new AuditThread(this.#options);
  }

  /** @throws Error within seconds when the queue did not take the batch, or the thread died, or after `close` */
  async add(batchId: string, batch: TrailBatch): Promise<void> {
    if (this.#isClosed) throw new Error('The audit queue is closed');
    this.start();
    await this.#thread?.add(batchId, packBatch(batch));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.close();
  }
}

class AuditThread {
  readonly #worker: Worker;
  readonly #answerTimeoutMs: number;
  readonly #waiting = new Map<number, (fault: string | undefined) => void>();
  #number = 0;
  #isAlive = true;

  constructor({ store, key, file = ownFile, answerTimeoutMs = defaultAnswerTimeoutMs }: ThreadedAuditQueueOptions) {
    this.#answerTimeoutMs = answerTimeoutMs;
    // A copy: a Buffer would take along whatever else its pool holds.
    const workerData: AuditThreadData = { store, key: Uint8Array.from(key) };
    this.#worker = new Worker(file, { workerData, resourceLimits: memory });
    this.#worker.on('message', ({ number, fault }: AuditThreadAnswer) => this.#settle(number, fault));
    this.#worker.on('error', (error) => this.#end(`The thread of the audit queue died: ${error.message}`));
    this.#worker.on('exit', () => this.#end('The thread of the audit queue ended'));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  add(batchId: string, packed: string): Promise<void> {
    const number = this.#number++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#end('The thread of the audit queue does not answer');
        void this.#worker.terminate();
      }, this.#answerTimeoutMs);
      this.#waiting.set(number, (fault) => {
        clearTimeout(timer);
        if (fault === undefined) resolve();
        else reject(new Error(fault));
      });
      this.#post({ kind: 'add', number, batchId, packed });
    });
  }

  /** Waits for what the thread has in hand, and ends it. */
  async close(): Promise<void> {
    if (!this.#isAlive) return;
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#post({ kind: 'close' });
    await orAfter(closeTimeoutMs, ended);
    await this.#worker.terminate();
  }

  #post(request: AuditThreadRequest): void {
    this.#worker.postMessage(request);
  }

  #settle(number: number, fault: string | undefined): void {
    const settle = this.#waiting.get(number);
    this.#waiting.delete(number);
    settle?.(fault);
  }

  #end(fault: string): void {
    this.#isAlive = false;
    for (const number of this.#waiting.keys()) this.#settle(number, fault);
  }
}
