import { spawn } from 'node:child_process';
import { plainEnvironment } from './plain-environment.ts';

/** How a command ended and what it wrote. `code` is null when a signal ended it. */
export interface CommandResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** What {@link runCommand} takes beside the command line. */
export interface CommandOptions {
  /** The whole environment. Default: this process's, without proxies, Node options and the product's settings. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  stdin?: string;
  /** SIGKILL after this long. Default 60 s. */
  timeoutMs?: number;
}

/** Runs a command to its end and gives its exit and output; a failing exit is not an error. @throws when it cannot be started. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env ?? plainEnvironment(), cwd: options.cwd, stdio: 'pipe' });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined); // a command that never reads its stdin
    child.stdin.end(options.stdin ?? '');
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs a command that has to succeed and gives its stdout. @throws Error with its stderr when it does not exit 0. */
export async function mustRun(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(file, args, options);
  if (result.code !== 0)
    throw new Error(
      `${file} ${args.join(' ')}: exit ${result.code ?? result.signal}\n${result.stderr}\n${result.stdout}`,
    );
  return result.stdout;
}
