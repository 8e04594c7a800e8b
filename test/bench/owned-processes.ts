import { type ChildProcess, fork, type ForkOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

const owned = new Set<ChildProcess>();

/** Starts a program that ends with the benchmark at the latest. */
export function startOwned(file: string, args: readonly string[]): ChildProcess {
  return own(spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
}

/** Starts a TypeScript module as a Node process of its own, with an IPC channel, that ends with the benchmark at the latest. */
export function forkOwned(module: URL, args: readonly string[], options: ForkOptions = {}): ChildProcess {
  return own(
    fork(module, args, { execArgv: ['--conditions=source', '--import', 'tsx'], stdio: 'inherit', ...options }),
  );
}

/** SIGTERM, then SIGKILL after two seconds, and waits for the end. */
export async function endOwned(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2_000);
  await ended;
  clearTimeout(timer);
}

/** Ends every process that was started here, the newest first. */
export async function endAllOwned(): Promise<void> {
  for (const child of [...owned].reverse()) await endOwned(child);
}

function own(child: ChildProcess): ChildProcess {
  owned.add(child);
  child.once('exit', () => owned.delete(child));
  return child;
}

process.once('exit', () => {
  for (const child of owned) child.kill('SIGKILL');
});
