/** How a worker ends without cutting more than it must, and without losing the record of what it cut. */
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataPlane } from './proxy/data-plane.ts';

const lookEveryMs = 20;
/** For requests that were cut to reach their one exit, which records them. */
const recordingMs = 1000;

/**
 * First the worker says that it is not ready and still serves, for `waitMs`, so that load balancers send others nothing
 * that would be refused. Then no new connections, idle ones end, and requests under way finish, for at most `drainMs`;
 * what is left then is cut. Resolves when every request has been recorded: the audit trail may be closed after it.
 */
export async function drain(
  plane: Drained,
  server: Server,
  { waitMs, drainMs }: { readonly waitMs: number; readonly drainMs: number },
): Promise<void> {
  plane.isDraining = true;
  await delay(waitMs);
  plane.closing.abort();
  server.close();
  await until(() => {
    plane.connections.endIdle();
    return plane.connections.count === 0;
  }, drainMs);
  plane.connections.destroyAll();
  await until(() => plane.underway === 0, recordingMs);
}

/** What of the data plane a drain touches. */
type Drained = Pick<DataPlane, 'connections' | 'isDraining' | 'closing' | 'underway'>;

async function until(isReached: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isReached() && performance.now() < deadline) await delay(lookEveryMs);
}
