/** A worker more than the cluster has, with settings of its own, asked directly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import type { TestCluster } from '../support/start-cluster.ts';
import { repositoryRoot } from '../support/start-onecli.ts';
import { waitUntil } from '../support/wait-until.ts';

const endMs = 30_000;

/** The settings of a worker of the cluster, as /proc shows them to its user. */
export async function settingsOfWorker(cluster: TestCluster): Promise<Record<string, string>> {
  const worker = (await cluster.processes()).find(({ kind }) => kind === 'worker');
  const lines = readFileSync(`/proc/${worker?.pid}/environ`, 'utf8').split('\0');
  const settings = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  // The channel is that worker's own, and so is its role in the database.
  const all = Object.fromEntries(settings.filter(([name]) => name !== '' && !name.startsWith('NODE_CHANNEL_')));
  const database = new URL(all['DATABASE_URL'] ?? '');
  database.searchParams.set('user', 'onecli_worker');
  return { ...all, DATABASE_URL: database.href };
}

export class FurtherWorker {
  readonly #child: ChildProcess;
  #log = '';

  private constructor(
    readonly name: string,
    readonly port: number,
    env: NodeJS.ProcessEnv,
  ) {
    const program = join(repositoryRoot, 'data-plane/dist/bundle/main.js');
    this.#child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    process.once('exit', this.#kill);
  }

  /** Starts it and waits until it serves. @param settings in place of those of the cluster's workers */
  static async start(
    cluster: TestCluster,
    name: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<FurtherWorker> {
    const port = await freePort();
    const worker = new FurtherWorker(name, port, {
      ...(await settingsOfWorker(cluster)),
      ONECLI_WORKER_NAME: name,
      ONECLI_PROXY_PORT: String(port),
      ONECLI_SNAPSHOT_FILE: join(cluster.dataFolder, 'snapshots', `${name}.snapshot`),
      ONECLI_SPOOL_DIR: join(cluster.dataFolder, 'spool-of', name),
      ...settings,
    });
    try {
      await waitUntil(`${name} serves`, () => cluster.isReady(port), 60_000);
      return worker;
    } catch (error) {
      worker.#kill();
      throw new Error(`${name} does not serve:\n${worker.#log}`, { cause: error });
    }
  }

  get log(): string {
    return this.#log;
  }

  /** What `/metrics` says of one series. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1));
  }

  async health(): Promise<{ status: string; revision: number }> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/health`)).json()) as { status: string; revision: number };
  }

  /** SIGTERM, and SIGKILL when it has not ended after 30 s. Gives the exit code. */
  async stop(): Promise<number | null> {
    process.off('exit', this.#kill);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    await ended;
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');
}
