import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CliError } from './cli-error.ts';
import type { Variables } from './environment.ts';

const passedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
// A terminal sends these to every process in the foreground: passed on as well, one Ctrl-C would count as two.
const terminalSignals: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs a command in this one's place: the same terminal, its signals passed on. Gives its exit code, 128+n when signal n ended
 * it. A command that does not exist gives 127, one that may not be run 126, as POSIX shells do (XCU 2.8.2).
 */
export async function spawnCommand(command: string, args: readonly string[], environment: Variables): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env: environment });
  const isOnTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const pass = (signal: NodeJS.Signals): void => {
    if (isOnTerminal && terminalSignals.has(signal)) return;
    child.kill(signal);
  };
  for (const signal of passedSignals) process.on(signal, pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => reject(cannotRun(command, cause)));
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    for (const signal of passedSignals) process.off(signal, pass);
  }
}

function cannotRun(command: string, cause: NodeJS.ErrnoException): CliError {
  if (cause.code === 'ENOENT') return new CliError(`${command}: command not found`, { exitCode: 127, cause });
  return new CliError(`${command}: cannot be run (${cause.code ?? 'fault'})`, { exitCode: 126, cause });
}
