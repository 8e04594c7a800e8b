import 'reflect-metadata';
import { writeSync } from 'node:fs';
import type { Logger } from 'pino';
import { type ControlPlane, build } from './build.ts';
import { type Config, ConfigFault, readConfig } from './config.ts';
import { createLogger } from './health/logger.ts';
import { openFoundation } from './open-foundation.ts';
import { InstanceFault } from './instance/instance-fault.ts';
import { ApiServer, ListenFault } from './server.ts';

/** How the process ends when it cannot serve; a supervisor does not restart it for the first two. */
const exitCodes = { configuration: 2, portTaken: 3, other: 1 } as const;

interface Running {
  readonly plane: ControlPlane;
  readonly server: ApiServer;
}

async function start(config: Config, log: Logger, stopping: AbortSignal): Promise<Running> {
  const foundation = await openFoundation(config, log, stopping);
  const plane = await build(config, foundation, log);
  const server = new ApiServer(plane.app);
  try {
    await server.listen(config.apiPort, config.bind);
    await plane.partitions.start();
    await plane.auditWriter.start();
  } catch (error) {
    await stop({ plane, server });
    throw error;
  }
  return { plane, server };
}

async function stop({ plane, server }: Running): Promise<void> {
  plane.health.drain();
  plane.partitions.stop();
  await server.close();
  await plane.close();
}

/** Aborts when the process is told to end, or when the supervisor that started it is gone. */
function stopSignal(log: Logger): AbortSignal {
  const controller = new AbortController();
  const end = (cause: string): void => {
    if (controller.signal.aborted) return;
    log.info({ cause }, 'stopping');
    controller.abort();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
  if (process.send !== undefined) process.once('disconnect', () => end('supervisor gone'));
  return controller.signal;
}

/** Says why the process cannot serve, and gives its exit code. */
function explain(error: unknown, log: Logger): number {
  if (error instanceof ConfigFault || error instanceof InstanceFault || error instanceof ListenFault) {
    writeSync(2, `${error.message}\n`);
    return error instanceof ListenFault ? exitCodes.portTaken : exitCodes.configuration;
  }
  log.fatal({ err: error }, 'the control plane cannot start');
  return exitCodes.other;
}

async function main(): Promise<void> {
  let log = createLogger('info');
  let stopping: AbortSignal | undefined;
  try {
    const config = readConfig();
    log = createLogger(config.logLevel);
    stopping = stopSignal(log);
    const running = await start(config, log, stopping);
    log.info({ port: config.apiPort, bind: config.bind }, 'serving');
    process.send?.({ kind: 'ready' });
    await aborted(stopping);
    await stop(running);
    log.info('stopped');
    process.exit(0);
  } catch (error) {
    process.exit(stopping?.aborted === true ? 0 : explain(error, log));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

await main();
