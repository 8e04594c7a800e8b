/** The thread of a ThreadedAuditQueue: seals batches and gives them to the queue, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { PostgresAuditQueue } from '../postgres/audit-queue.ts';

/** Where the queue lies. Plain values alone: they are given to the thread as they are. */
export interface AuditQueueStore {
  readonly kind: 'postgres';
  readonly connectionString: string;
}

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

function serve(port: NonNullable<typeof parentPort>, { store, key }: AuditThreadData): void {
  const queue = new PostgresAuditQueue({ connectionString: store.connectionString, key: Buffer.from(key) });
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

if (parentPort) serve(parentPort, workerData as AuditThreadData);
