/** The thread of a ThreadedAuditQueue: seals batches and gives them to the queue, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RedisSettings } from '../../redis-settings.ts';
import type { AuditQueue } from '../../ports/audit-queue.ts';

/** Where the queue lies. Plain values alone: they are given to the thread as they are. */
export type AuditQueueStore =
  | { readonly kind: 'postgres'; readonly connectionString: string }
  | { readonly kind: 'redis'; readonly settings: RedisSettings; readonly prefix: string };

/** What the thread starts with. */
export interface AuditThreadData {
  readonly store: AuditQueueStore;
  readonly key: Uint8Array;
}

export type AuditThreadRequest =
  | { readonly kind: 'add'; readonly number: number; readonly batchId: string; readonly packed: string }
  | { readonly kind: 'close' };

/** `fault` says why the queue did not take the batch. Nothing answers a `close` but the thread's end. */
export interface AuditThreadAnswer {
  readonly number: number;
  readonly fault: string | undefined;
}

type PackedQueue = Pick<AuditQueue, 'close'> & { addPacked(batchId: string, packed: string): Promise<void> };

/** Loads what the store needs, and no other client. */
async function open({ store, key }: AuditThreadData): Promise<PackedQueue> {
  const owned = Buffer.from(key);
  switch (store.kind) {
    case 'postgres': {
      const { PostgresAuditQueue } = await import('../postgres/audit-queue.ts');
      return new PostgresAuditQueue({ connectionString: store.connectionString, key: owned });
    }
    case 'redis': {
      const { RedisAuditQueue } = await import('../redis/audit-queue.ts');
      return new RedisAuditQueue({ settings: store.settings, prefix: store.prefix, key: owned });
    }
  }
}

function serve(port: NonNullable<typeof parentPort>, queue: PackedQueue): void {
  port.on('message', (request: AuditThreadRequest) => {
    if (request.kind === 'close') {
      void queue.close().finally(() => port.close());
      return;
    }
    const answer = (fault: string | undefined): void =>
      port.postMessage({ number: request.number, fault } satisfies AuditThreadAnswer);
    queue.addPacked(request.batchId, request.packed).then(
      () => answer(undefined),
      (error: unknown) => answer(error instanceof Error ? error.message : String(error)),
    );
  });
}

if (parentPort) serve(parentPort, await open(workerData as AuditThreadData));
