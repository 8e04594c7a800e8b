/** The embedded mode's process. Exit codes: 0 stopped, 1 a fault, 2 configuration, 4 port or folder taken. */
import { readConfig } from './config.ts';
import { runUntilStopped } from './run-until-stopped.ts';
import { installedPrograms, supervise } from './supervise.ts';

process.exit(await runUntilStopped(readConfig(), (config, print) => supervise(config, installedPrograms(), print)));
