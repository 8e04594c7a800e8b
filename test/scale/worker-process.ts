import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/free-port.ts';
import { plainEnvironment } from '../support/plain-environment.ts';
import { peakBytes, proportionalBytes } from '../support/process-facts.ts';
import { repositoryRoot } from '../support/start-onecli.ts';

/** A worker process of its own, started as the supervisor starts one. */
export class WorkerProcess {
  readonly port: number;
  /** From the start of the process until it proxies. */
  readonly startedInMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, startedInMs: number) {
    this.#child = child;
    this.port = port;
    this.startedInMs = startedInMs;
  }

  static async start(databaseUrl: string, masterKeyFile: string): Promise<WorkerProcess> {
    const port = await freePort();
    const startedMs = performance.now();
    const child = spawn('node', ['--max-semi-space-size=32', join(repositoryRoot, 'data-plane/dist/bundle/main.js')], {
      env: {
        ...plainEnvironment(),
        DATABASE_URL: databaseUrl,
        ONECLI_MASTER_KEY_FILE: masterKeyFile,
        ONECLI_PROXY_PORT: String(port),
        ONECLI_WORKER_NAME: 'worker-scale',
        ONECLI_SPOOL_DIR: join(dirname(masterKeyFile), 'spool'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout }))
      if (line.includes('"proxying"')) {
        child.stdout.resume();
        return new WorkerProcess(child, port, performance.now() - startedMs);
      }
    throw new Error('the worker ended before it proxied');
  }

  get proportionalBytes(): number {
    return proportionalBytes(this.#child.pid ?? 0);
  }

  get peakBytes(): number {
    return peakBytes(this.#child.pid ?? 0);
  }

  /** The revision that it decides by. */
  async revision(): Promise<number> {
    const health = (await (await fetch(`http://127.0.0.1:${this.port}/health`)).json()) as { revision: number };
    return health.revision;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}
