import { exitCodes } from '@onecli/shared/exit-codes';
import type { ReadConfig } from './config.ts';
import { StartFault } from './start-fault.ts';
import type { Supervision } from './supervision.ts';

/** npm passes a terminal's Ctrl-C on although it arrived already: only a later one is a second one. */
const echoMs = 500;

type Faulty<Config> =
  | Exclude<ReadConfig, { kind: 'config' }>
  | { kind: 'config'; config: Config; warnings: readonly string[] };

/**
 * The whole of a supervisor's process: tells what is wrong with its settings, or starts and runs until it is told to stop. A second
 * signal ends all at once.
 * @param start starts everything; `print` writes a line for the person who started it
 * @returns the exit code
 */
export async function runUntilStopped<Config>(
  read: Faulty<Config>,
  start: (config: Config, print: (line: string) => void) => Promise<Supervision>,
): Promise<number> {
  switch (read.kind) {
    case 'help':
      process.stdout.write(read.text);
      return 0;
    case 'faults':
      process.stderr.write(`The configuration has faults:\n${read.faults.map((fault) => `  ${fault}\n`).join('')}`);
      return exitCodes.wrong;
    case 'config':
      for (const warning of read.warnings) process.stderr.write(`${warning}\n`);
      return run(() => start(read.config, (line) => void process.stdout.write(`${line}\n`)));
  }
}

async function run(start: () => Promise<Supervision>): Promise<number> {
  let firstSignalAt: number | undefined;
  let stopRequested: () => void = () => undefined;
  const stopRequest = new Promise<void>((resolve) => (stopRequested = resolve));
  let kill: () => void = () => process.exit(exitCodes.fault);
  const onSignal = () => {
    if (firstSignalAt !== undefined && performance.now() - firstSignalAt > echoMs) {
      kill();
      process.exit(exitCodes.fault);
    }
    firstSignalAt ??= performance.now();
    stopRequested();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    const supervision = await start();
    kill = () => supervision.kill();
    void stopRequest.then(() => supervision.stop());
    return await supervision.ended;
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}
