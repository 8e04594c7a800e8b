/** A worker: the proxy process. Exit codes: 0 stopped, 2 configuration, 4 port taken. */
import { createServer, type Server } from 'node:net';
import { exitCodes } from '@onecli/shared/exit-codes';
import { createLogger } from '@onecli/shared/logger';
import type { Logger } from 'pino';
import { buildWorker, type Worker, WrongMasterKey } from './build.ts';
import { readConfig, type WorkerConfig } from './config.ts';
import { drain } from './drain.ts';
import { startTracing } from './telemetry/start-tracing.ts';
import { acceptConnection } from './proxy/accept-connection.ts';

const backlog = 4096;

async function main(): Promise<void> {
  const read = readConfig();
  if (read.kind === 'faults') {
    process.stderr.write(
      `The worker's configuration has faults:\n${read.faults.map((fault) => `  ${fault}\n`).join('')}`,
    );
    process.exit(exitCodes.wrong);
  }
  const { config } = read;
  const log = createLogger(config.name, config.logLevel);
  const stop = new AbortController();
  const handle = config.takesListener ? handleFromParent() : undefined;
  const stopped = stopRequest();
  // Nothing has been served before it is up, so nothing is owed to anybody: a stop ends it at once.
  const isUp = await Promise.race([start(config, log, handle, stop.signal), stopped]);
  if (!isUp) {
    stop.abort();
    process.exit(0);
  }
  const { worker, server } = isUp;
  const endTracing = await startTracing(worker.plane, config);
  process.send?.({ kind: 'ready' });
  log.info({ port: config.port, revision: worker.plane.configuration.current?.revision }, 'proxying');
  await stopped;
  await drain(worker.plane, server, { waitMs: config.drainWaitMs, drainMs: config.drainMs });
  stop.abort();
  await worker.close();
  await endTracing();
  process.exit(0);
}

/** Resolves when the process is asked to end, or its parent has gone. */
function stopRequest(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(undefined));
    process.on('disconnect', () => resolve(undefined));
  });
}

/** Accepts connections only when there is a configuration to judge them by: until then the kernel queues them. */
async function start(
  config: WorkerConfig,
  log: Logger,
  handle: Promise<object> | undefined,
  signal: AbortSignal,
): Promise<{ worker: Worker; server: Server }> {
  const worker = await build(config, log, signal);
  await worker.follow(signal);
  return { worker, server: await listen(config, await handle, worker) };
}

async function build(config: WorkerConfig, log: Logger, signal: AbortSignal): Promise<Worker> {
  try {
    return await buildWorker(config, log, signal);
  } catch (error) {
    if (!(error instanceof WrongMasterKey)) throw error;
    process.stderr.write(
      'The master key is not the one that this database was set up with. Set ONECLI_MASTER_KEY_FILE to the right one.\n',
    );
    process.exit(exitCodes.wrong);
  }
}

/** The supervisor keeps the port open while workers come and go, and hands the bound socket over. */
function handleFromParent(): Promise<object> {
  return new Promise((resolve) => {
    process.on('message', (message: unknown, handle: unknown) => {
      if (message === 'listener' && typeof handle === 'object' && handle !== null) resolve(handle);
    });
  });
}

function listen(config: WorkerConfig, handle: object | undefined, worker: Worker): Promise<Server> {
  const server = createServer((socket) => acceptConnection(worker.plane, socket));
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      process.stderr.write(
        `Port ${config.port} on ${config.bind} cannot be opened (${error.code}). Choose another with ONECLI_PROXY_PORT.\n`,
      );
      process.exit(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? exitCodes.taken : exitCodes.fault);
    });
    const isListening = (): void => resolve(server);
    if (handle) server.listen(handle, backlog, isListening);
    else server.listen({ port: config.port, host: config.bind, backlog }, isListening);
  });
}

await main();
