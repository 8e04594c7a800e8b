// The audit thread from its source, as a thread that vitest did not start needs it; a batch named `deadly` is its end.
import { parentPort } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import('../audit-queue-thread.ts');
parentPort.on('message', ({ batchId }) => {
  if (batchId === 'deadly') throw new Error('killed by a batch');
});
