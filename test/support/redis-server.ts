import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

/** Whether this machine has Redis. */
export const hasRedis = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Runs one command as an outsider would, and gives what redis-cli prints. */
  command(...parameters: readonly string[]): Promise<string>;
  /** Ends it like a power cut. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it kept on disk: nothing, unless it was told to. */
  start(): Promise<void>;
  /** Lets it hang until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** A Redis of one's own on a free port, with nothing on disk unless `parameters` say otherwise; `{port}` in them is its port. */
export function startRedis(...parameters: readonly string[]): Promise<RedisServer> {
  return startWith(['--save', ''], parameters);
}

/** A sentinel; `file` is its configuration, which it writes to. */
export function startSentinel(file: string): Promise<RedisServer> {
  return startWith([file, '--sentinel'], []);
}

async function startWith(first: readonly string[], parameters: readonly string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-redis-'));
  const port = await freePort();
  const command = [...first, '--port', String(port), '--dir', folder, '--bind', '127.0.0.1'];
  command.push(...parameters.map((parameter) => parameter.replaceAll('{port}', String(port))));
  let child = await running(command, port);
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: async (...parts) => {
      const { stdout } = await promisify(execFile)('redis-cli', [
        '-p',
        String(port),
        ...tlsFlags(parameters),
        ...parts,
      ]);
      return stdout.trim();
    },
    kill: end,
    start: async () => {
      child = await running(command, port);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function tlsFlags(parameters: readonly string[]): string[] {
  const authority = parameters[parameters.indexOf('--tls-ca-cert-file') + 1];
  return parameters.includes('--tls-ca-cert-file') && authority !== undefined ? ['--tls', '--cacert', authority] : [];
}

/** Starts redis-server, and waits until its port answers. */
async function running(parameters: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', parameters, { stdio: 'ignore' });
  await waitUntil('Redis listens', async () => {
    if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`);
    return answers(port);
  });
  return child;
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
