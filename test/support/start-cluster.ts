import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiAnswer, callApi } from './call-api.ts';
import { freeRange } from './free-port.ts';
import { plainEnvironment } from './plain-environment.ts';
import { descendantsOf, isAlive, orphansOf } from './process-facts.ts';
import { repositoryRoot } from './start-onecli.ts';
import { waitUntil } from './wait-until.ts';

/** How to start a cluster. */
export interface ClusterOptions {
  workers?: number;
  controlPlanes?: number;
  redis?: 'auto' | 'on' | 'off';
  upstreamCaFile?: string;
  /** `host:port=address:port,…` */
  connectTo?: string;
  /** Further variables. */
  env?: Record<string, string>;
}

/** One process of the cluster, as its supervisor tells. */
export interface ClusterProcess {
  readonly name: string;
  readonly kind: 'postgres' | 'redis' | 'haproxy' | 'control-plane' | 'worker';
  readonly pid?: number;
  readonly port?: number;
}

type Answer = { id: number; processes?: ClusterProcess[]; error?: string };

/** `npm run cluster`, with a channel to its supervisor. */
export class TestCluster {
  readonly dataFolder = mkdtempSync(join(tmpdir(), 'onecli-cluster-'));
  readonly adminPassword = 'test-admin-password-7d1';
  readonly proxyPort: number;
  readonly apiPort: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** The processes as they were last told of, to leave none behind. Earlier ones have ended, and their numbers may be others' by now. */
  readonly #pids = new Set<number>();
  #lastId = 0;
  #log = '';

  constructor(options: ClusterOptions, firstPort: number) {
    this.proxyPort = firstPort;
    this.apiPort = firstPort + 1;
    this.#child = spawn(process.execPath, ['infra/tools/cluster.mjs'], {
      cwd: repositoryRoot,
      env: clusterEnvironment(options, this, firstPort + 2),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#child.on('error', () => undefined);
    process.once('exit', this.#killAll);
  }

  get log(): string {
    return this.#log;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.apiPort}`;
  }

  /** The supervisor's own process. */
  get supervisorPid(): number {
    return this.#child.pid ?? 0;
  }

  /** All processes of the cluster; one that does not run has no pid. */
  processes(): Promise<ClusterProcess[]> {
    return this.#ask('list');
  }

  /** Stops one process in order, or all that have a kind; the supervisor leaves them alone until `startOne`. */
  async stopOne(name: string): Promise<void> {
    await this.#ask('stop', name);
  }

  async startOne(name: string): Promise<void> {
    await this.#ask('start', name);
  }

  /** Calls the API as the admin, through the balancer. */
  api(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const credentials = Buffer.from(`admin:${this.adminPassword}`).toString('base64');
    return callApi(this.apiUrl, method, path, body, { authorization: `Basic ${credentials}` });
  }

  /** The same, and gives the JSON. @throws Error with the answer when the status is not 2xx */
  async must<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.api(method, path, body);
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return (answer.text === '' ? undefined : answer.json) as T;
  }

  /** Says whether a worker or control plane answers at its own port that it is ready. */
  async isReady(port: number): Promise<boolean> {
    try {
      return (await callApi(`http://127.0.0.1:${port}`, 'GET', '/readyz')).status === 200;
    } catch {
      return false;
    }
  }

  async ready(timeoutMs = 120_000): Promise<void> {
    await waitUntil(
      'the cluster is ready',
      () => {
        if (this.#child.exitCode !== null) throw new Error(`the cluster ended with ${this.#child.exitCode}`);
        return this.#log.includes('The cluster is ready.');
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`the cluster did not get ready:\n${this.#log}`, { cause: error });
    });
    await this.processes();
  }

  /** SIGTERM, waits for the end; removes the data folder. Gives the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    try {
      await waitUntil('the cluster has ended', () => this.#child.exitCode !== null, 60_000);
      return this.#child.exitCode;
    } finally {
      await this.destroy();
    }
  }

  /** kill -9 for all that is left of it. */
  async destroy(): Promise<void> {
    this.#killAll();
    await waitUntil('every process is gone', () => [...this.#pids].every((pid) => !isAlive(pid)));
    process.off('exit', this.#killAll);
    rmSync(this.dataFolder, { recursive: true, force: true });
  }

  async #ask(command: 'list' | 'stop' | 'start', name?: string): Promise<ClusterProcess[]> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, command, ...(name !== undefined && { name }) });
    const { processes, error } = await answered;
    if (processes === undefined) throw new Error(`${command} ${name}: ${error}`);
    this.#pids.clear();
    for (const { pid } of processes) if (pid !== undefined) this.#pids.add(pid);
    return processes;
  }

  readonly #killAll = (): void => {
    // Before the supervisor dies: its children have another parent only some time after.
    const family = this.#child.pid === undefined ? [] : descendantsOf(this.#child.pid);
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    for (const { pid } of [...family, ...orphansOf(this.dataFolder)]) {
      this.#pids.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // already gone
      }
    }
  };
}

/** Starts a cluster on free ports and a new data folder, and waits until it is ready. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const count = 2 + 2 + (options.workers ?? 4) + (options.controlPlanes ?? 2);
  const cluster = new TestCluster(options, await freeRange(count));
  try {
    await cluster.ready();
    return cluster;
  } catch (error) {
    await cluster.destroy();
    throw error;
  }
}

function clusterEnvironment(options: ClusterOptions, cluster: TestCluster, innerPort: number): NodeJS.ProcessEnv {
  return {
    ...plainEnvironment(),
    ONECLI_DATA_DIR: cluster.dataFolder,
    ONECLI_PROXY_PORT: String(cluster.proxyPort),
    ONECLI_API_PORT: String(cluster.apiPort),
    ONECLI_CLUSTER_FIRST_PORT: String(innerPort),
    ONECLI_CLUSTER_WORKERS: String(options.workers ?? 4),
    ONECLI_CLUSTER_CONTROL_PLANES: String(options.controlPlanes ?? 2),
    ONECLI_CLUSTER_REDIS: options.redis ?? 'auto',
    ONECLI_ADMIN_PASSWORD: cluster.adminPassword,
    ONECLI_ALLOW_RANGES: '127.0.0.0/8',
    ...(options.upstreamCaFile !== undefined && { ONECLI_UPSTREAM_CA_FILE: options.upstreamCaFile }),
    ...(options.connectTo !== undefined && { ONECLI_CONNECT_TO: options.connectTo }),
    ...options.env,
  };
}
