import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callApi, type ApiAnswer } from './call-api.ts';
import { freePorts } from './free-port.ts';
import { plainEnvironment } from './plain-environment.ts';
import { descendantsOf, isAlive, orphansOf, type ProcessFacts, proportionalBytes } from './process-facts.ts';
import { waitUntil } from './wait-until.ts';

/** The repository's root folder. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** The parts of the product that run as processes of their own. */
export type ProductPart = 'supervisor' | 'control-plane' | 'worker' | 'postgres';

/** How to start the product. */
export interface StartOptions {
  /** Default: a new folder, removed by {@link Onecli.stop}. */
  dataFolder?: string;
  adminPassword?: string;
  /** Extra roots for upstreams. */
  upstreamCaFile?: string;
  /** `host:port=address:port,…` */
  connectTo?: string;
  /** CIDRs that the address guard lets through. Default `127.0.0.0/8`; empty: none. */
  allowRanges?: string;
  /** Proxy port and API port. Default: two free ones. */
  ports?: readonly [number, number];
  /** Further variables, or `undefined` to take one away. */
  env?: Record<string, string | undefined>;
  /** The user and group to run as. Default: this process's. */
  uid?: number;
  /** Default 90 s: the first start may have to build. */
  readyTimeoutMs?: number;
}

/** The running product, started as a user starts it. */
export class Onecli {
  readonly child: ChildProcess;
  readonly dataFolder: string;
  readonly proxyPort: number;
  readonly apiPort: number;
  readonly adminPassword: string;
  readonly #isOwnFolder: boolean;
  #log = '';

  constructor(options: StartOptions, dataFolder: string, ports: readonly [number, number]) {
    [this.proxyPort, this.apiPort] = ports;
    this.dataFolder = dataFolder;
    this.#isOwnFolder = options.dataFolder === undefined;
    this.adminPassword = options.adminPassword ?? 'test-admin-password-7d1';
    this.child = spawn('node', ['infra/tools/start.mjs'], {
      cwd: repositoryRoot,
      env: productEnvironment(options, this),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    }
    process.once('exit', this.#killAll);
  }

  /** All that the product has written to stdout and stderr. */
  get log(): string {
    return this.#log;
  }

  get proxyUrl(): string {
    return `http://127.0.0.1:${this.proxyPort}`;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.apiPort}`;
  }

  /** Calls the API as the admin. A string or Buffer body goes out as it is; anything else as JSON. */
  api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const credentials = Buffer.from(`admin:${this.adminPassword}`).toString('base64');
    return callApi(this.apiUrl, method, path, body, { authorization: `Basic ${credentials}`, ...headers });
  }

  /** Calls the API and gives the JSON. @throws Error with the answer when the status is not 2xx. */
  async must<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.api(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return (answer.text === '' ? undefined : answer.json) as T;
  }

  /** The product's certificate authority, as PEM. */
  async caPem(): Promise<string> {
    return (await callApi(this.apiUrl, 'GET', '/ca.pem')).text;
  }

  /** All processes of the product, its launcher first; orphans of a killed supervisor are found by the data folder. */
  processes(): ProcessFacts[] {
    const own = this.child.pid;
    const all = descendantsOf(process.pid).filter((one) => one.pid === own);
    const below = own === undefined ? [] : descendantsOf(own);
    return [...all, ...below, ...orphansOf(this.dataFolder)];
  }

  /** The process ids of a part: of Postgres its first process, of the others all. */
  pidsOf(part: ProductPart): number[] {
    const all = this.processes();
    if (part === 'supervisor') return this.child.pid === undefined ? [] : [this.child.pid];
    const pattern = { 'control-plane': /control-plane[/@]/, worker: /data-plane[/@]/, postgres: /bin[/]postgres\b/ }[
      part
    ];
    const found = all.filter((one) => pattern.test(one.commandLine)).map((one) => one.pid);
    return part === 'postgres' ? found.slice(0, 1) : found;
  }

  /** kill -9 for one process of a part; gives its pid. @throws when there is none. */
  kill(part: ProductPart): number {
    const [pid] = this.pidsOf(part);
    if (pid === undefined)
      throw new Error(
        `no process of ${part} among\n${this.processes()
          .map((one) => one.commandLine)
          .join('\n')}`,
      );
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** Proportional resident bytes of a part, its children included (Postgres has many). */
  residentBytes(part: ProductPart): number {
    return this.pidsOf(part)
      .flatMap((pid) => [pid, ...(part === 'supervisor' ? [] : descendantsOf(pid).map((child) => child.pid))])
      .reduce((sum, pid) => sum + proportionalBytes(pid), 0);
  }

  /** Waits until both ports say that they are ready. @throws with the log when the product ends before. */
  async ready(timeoutMs = 90_000): Promise<void> {
    const isReady = async (base: string): Promise<boolean> => (await callApi(base, 'GET', '/readyz')).status === 200;
    let endedEarly = false;
    await waitUntil(
      'both ports are ready',
      async () => {
        endedEarly = this.child.exitCode !== null || this.child.signalCode !== null;
        return endedEarly || ((await isReady(this.apiUrl)) && (await isReady(this.proxyUrl)));
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`the product did not get ready:\n${this.#log}`, { cause: error });
    });
    if (endedEarly)
      throw new Error(`the product ended with ${this.child.exitCode ?? this.child.signalCode}:\n${this.#log}`);
  }

  /** Waits until the product has ended by itself or by a signal, and gives its exit code. */
  async exitCode(timeoutMs = 20_000): Promise<number | null> {
    await waitUntil(
      'the product has ended',
      () => this.child.exitCode !== null || this.child.signalCode !== null,
      timeoutMs,
    );
    return this.child.exitCode;
  }

  /** SIGTERM, waits for the end, removes the data folder when it was made for this run. Gives the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    try {
      return await this.exitCode();
    } finally {
      await this.destroy();
    }
  }

  /** kill -9 for every process of the product, and the end of its own data folder. */
  async destroy(): Promise<void> {
    const pids = this.processes().map((one) => one.pid);
    this.#killAll();
    await waitUntil('every process is gone', () => pids.every((pid) => !isAlive(pid)));
    process.off('exit', this.#killAll);
    if (this.#isOwnFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }

  readonly #killAll = (): void => {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // already gone
      }
    }
  };
}

/** Starts the product on free ports and a new data folder and waits until it is ready. */
export async function startOnecli(options: StartOptions = {}): Promise<Onecli> {
  const onecli = await launchOnecli(options);
  try {
    await onecli.ready(options.readyTimeoutMs);
    return onecli;
  } catch (error) {
    await onecli.destroy();
    throw error;
  }
}

/** Starts the product and does not wait for anything. */
export async function launchOnecli(options: StartOptions = {}): Promise<Onecli> {
  const [proxyPort = 0, apiPort = 0] = options.ports ?? (await freePorts(2));
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'onecli-data-'));
  return new Onecli(options, dataFolder, [proxyPort, apiPort]);
}

function productEnvironment(options: StartOptions, onecli: Onecli): NodeJS.ProcessEnv {
  const wanted: Record<string, string | undefined> = {
    ...plainEnvironment(),
    ONECLI_DATA_DIR: onecli.dataFolder,
    ONECLI_PROXY_PORT: String(onecli.proxyPort),
    ONECLI_API_PORT: String(onecli.apiPort),
    ONECLI_ADMIN_PASSWORD: onecli.adminPassword,
    ONECLI_ALLOW_RANGES: options.allowRanges ?? '127.0.0.0/8',
    ONECLI_UPSTREAM_CA_FILE: options.upstreamCaFile,
    ONECLI_CONNECT_TO: options.connectTo,
    ...options.env,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined && value !== ''));
}
