/** The embedded mode's process. Exit codes: 0 stopped, 1 a fault, 2 configuration, 3 port or folder taken. */
import { readConfig } from './config.ts';
import { StartFault, exitCodes } from './start-fault.ts';
import { installedPrograms, supervise } from './supervise.ts';

/** npm passes a terminal's Ctrl-C on although it arrived already: only a later one is a second one. */
const echoMs = 500;

async function main(): Promise<number> {
  const read = readConfig();
  switch (read.kind) {
    case 'help':
      process.stdout.write(read.text);
      return 0;
    case 'faults':
      process.stderr.write(`The configuration has faults:\n${read.faults.map((fault) => `  ${fault}\n`).join('')}`);
      return exitCodes.badConfiguration;
    case 'config':
      for (const warning of read.warnings) process.stderr.write(`${warning}\n`);
      return run(read.config);
  }
}

async function run(config: Parameters<typeof supervise>[0]): Promise<number> {
  let firstSignalAt: number | undefined;
  let stopRequested: () => void = () => undefined;
  const stopRequest = new Promise<void>((resolve) => (stopRequested = resolve));
  let kill: () => void = () => process.exit(1);
  const onSignal = () => {
    if (firstSignalAt !== undefined && performance.now() - firstSignalAt > echoMs) {
      kill();
      process.exit(1);
    }
    firstSignalAt ??= performance.now();
    stopRequested();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    const supervision = await supervise(config, installedPrograms(), (line) => void process.stdout.write(`${line}\n`));
    kill = supervision.kill;
    void stopRequest.then(() => supervision.stop());
    return await supervision.ended;
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

process.exit(await main());
