/** A worker: the proxy process. Exit codes: 0 stopped, 2 configuration, 3 port taken. */
import { createServer, Server } from 'node:net';
import { type Logger, pino } from 'pino';
import { buildWorker, type Worker, WrongMasterKey } from './build.ts';
import { readConfig, type WorkerConfig } from './config.ts';
import { acceptConnection } from './proxy/accept-connection.ts';

async function main(): Promise<void> {
  const read = readConfig();
  if (read.kind === 'faults') {
    process.stderr.write(
      `The worker's configuration has faults:\n${read.faults.map((fault) => `  ${fault}\n`).join('')}`,
    );
    process.exit(2);
  }
  const { config } = read;
  const log: Logger = pino({ name: config.name, level: config.logLevel });
  const stop = new AbortController();
  const handle = config.takesListener ? listenerFromParent() : undefined;
  const stopped = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve());
    process.on('disconnect', () => resolve());
  });
  const worker = await build(config, log, stop.signal);
  await worker.follow(stop.signal);
  const server = await listen(config, handle, worker);
  process.send?.({ kind: 'ready' });
  log.info({ port: config.port, revision: worker.plane.configuration.current?.revision }, 'proxying');
  await stopped;
  await drain(worker, server);
  stop.abort();
  await worker.close();
  process.exit(0);
}

async function build(config: WorkerConfig, log: Logger, signal: AbortSignal): Promise<Worker> {
  try {
    return await buildWorker(config, log, signal);
  } catch (error) {
    if (!(error instanceof WrongMasterKey)) throw error;
    process.stderr.write(
      'The master key is not the one that this database was set up with. Set ONECLI_MASTER_KEY_FILE to the right one.\n',
    );
    process.exit(2);
  }
}

/** The supervisor keeps the port open while workers come and go, and hands the listening socket over. */
function listenerFromParent(): Promise<Server> {
  return new Promise((resolve) => {
    process.on('message', (message: unknown, handle: unknown) => {
      if (message === 'listener' && handle instanceof Server) resolve(handle);
    });
  });
}

async function listen(config: WorkerConfig, handle: Promise<Server> | undefined, worker: Worker): Promise<Server> {
  const server = handle ? await handle : createServer();
  server.on('connection', (socket) => acceptConnection(worker.plane, socket));
  if (handle) return server;
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      process.stderr.write(
        `Port ${config.port} on ${config.bind} cannot be opened (${error.code}). Choose another with ONECLI_PROXY_PORT.\n`,
      );
      process.exit(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? 3 : 1);
    });
    server.listen({ port: config.port, host: config.bind, backlog: 4096 }, () => resolve(server));
  });
}

/** No new connections, idle ones end, requests under way finish, for at most `drainMs`. */
async function drain({ plane }: Worker, server: Server): Promise<void> {
  plane.isDraining = true;
  server.close();
  plane.connections.endIdle();
  const deadline = performance.now() + plane.limits.drainMs;
  while (plane.connections.count > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  plane.connections.destroyAll();
}

await main();
