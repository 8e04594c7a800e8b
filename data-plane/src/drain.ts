/** How a worker ends without cutting more than it must, and without losing the record of what it cut. */
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataPlane } from './proxy/data-plane.ts';

const lookEveryMs = 20;
/** For requests that were cut to reach their one exit, which records them. */
const recordingMs = 1000;

/**
 * No new connections, idle ones end, and requests under way finish, for at most `drainMs`; what is left then is cut.
 * Resolves when every request has been recorded: the audit trail may be closed after it.
 */
export async function drain(plane: Drained, server: Server, drainMs: number): Promise<void> {
  plane.isDraining = true;
  server.close();
  await until(() => {
    plane.connections.endIdle();
    return plane.connections.count === 0;
  }, drainMs);
  plane.connections.destroyAll();
  await until(() => plane.underway === 0, recordingMs);
}

/** What of the data plane a drain touches. */
type Drained = Pick<DataPlane, 'connections' | 'isDraining' | 'underway'>;

async function until(isReached: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isReached() && performance.now() < deadline) await delay(lookEveryMs);
}
