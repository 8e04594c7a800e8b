import type { Logger } from 'pino';
import { type ControlPlane, build } from './build.ts';
import type { Config } from './config.ts';
import { openFoundation } from './open-foundation.ts';
import { isTrustedProxy } from './api/request-context.ts';
import { ApiServer } from './server.ts';

interface Running {
  readonly plane: ControlPlane;
  readonly server: ApiServer;
}

/**
 * Serves until `stopping` aborts, then ends in order: readiness, connections, consumer, pools. `serving` is called when the first
 * request is welcome.
 * @throws ConfigFault, InstanceFault, ListenFault, or whatever keeps it from serving
 */
export async function run(config: Config, log: Logger, stopping: AbortSignal, serving: () => void): Promise<void> {
  const running = await start(config, log, stopping);
  serving();
  await aborted(stopping);
  await stop(running);
}

async function start(config: Config, log: Logger, stopping: AbortSignal): Promise<Running> {
  const foundation = await openFoundation(config, log, stopping);
  let plane: ControlPlane;
  try {
    plane = await build(config, foundation, log);
  } catch (error) {
    await foundation.database.destroy();
    throw error;
  }
  const server = new ApiServer(plane.app, { isProxy: (address) => isTrustedProxy(plane.app, address) });
  try {
    await server.listen(config.apiPort, config.bind);
    await plane.partitions.start();
    await plane.auditWriter.start();
    plane.keyRotation.start();
    plane.startTasks();
  } catch (error) {
    await stop({ plane, server });
    throw error;
  }
  return { plane, server };
}

async function stop({ plane, server }: Running): Promise<void> {
  plane.health.drain();
  plane.partitions.stop();
  await plane.keyRotation.stop();
  await server.close();
  await plane.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
