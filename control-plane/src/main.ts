import 'reflect-metadata';
import { writeSync } from 'node:fs';
import type { Logger } from 'pino';
import { ConfigFault, readConfig } from './config.ts';
import { exitCodes } from '@onecli/shared/exit-codes';
import { createLogger } from '@onecli/shared/logger';
import { InstanceFault } from './instance/instance-fault.ts';
import { ListenFault } from './listen-fault.ts';

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
    return error instanceof ListenFault ? exitCodes.taken : exitCodes.wrong;
  }
  log.fatal({ err: error }, 'the control plane cannot serve');
  return exitCodes.fault;
}

async function main(): Promise<number> {
  let log = createLogger('control-plane', 'info');
  let stopping: AbortSignal | undefined;
  try {
    const config = readConfig();
    log = createLogger('control-plane', config.logLevel);
    stopping = stopSignal(log);
    process.on('uncaughtException', (error) => {
      log.fatal({ err: error }, 'a fault that nobody expected');
      process.exit(exitCodes.fault);
    });
    // Loaded only now: faults of the configuration are told at once.
    const { run } = await import('./run.ts');
    await run(config, log, stopping, () => {
      log.info({ port: config.apiPort, bind: config.bind }, 'serving');
      process.send?.({ kind: 'ready' });
    });
    log.info('stopped');
    return 0;
  } catch (error) {
    return stopping?.aborted === true ? 0 : explain(error, log);
  }
}

process.exit(await main());
