// The cluster on one machine: lock, ports, Postgres, then Redis, control planes, workers and the balancer as children.
import { DataFolder } from '../data-folder/data-folder.ts';
import { lockFolder } from '../data-folder/folder-lock.ts';
import { localUrl } from '../children/child-environments.ts';
import { requireFreePort } from '../children/listening-port.ts';
import type { SupervisedChild } from '../children/supervised-child.ts';
import { finishRekey } from '../finish-rekey.ts';
import { PostgresKeeper } from '../postgres/postgres-keeper.ts';
import type { Programs } from '../supervise.ts';
import type { Supervision } from '../supervision.ts';
import { waitFor } from '../wait-for.ts';
import { describeCluster } from './cluster-banner.ts';
import { type Foundation, type Part, makeParts } from './cluster-parts.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { ClusterConfig } from './config.ts';
import { makeWorkerRoles } from './make-worker-roles.ts';
import { type Topology, planTopology } from './topology.ts';

const abandonedPortPatienceMs = 10_000;
/** Sessions that a control plane, and a worker, may need. */
const sessionsOf = { controlPlane: 30, worker: 8, besides: 10 };

type CleanUp = (() => void | Promise<void>)[];

export class Cluster implements Supervision {
  readonly ended: Promise<number>;
  readonly #foundation: Foundation;
  readonly #postgres: PostgresKeeper;
  readonly #parts: readonly Part[];
  readonly #print: (line: string) => void;
  readonly #cleanUp: CleanUp;
  readonly #awaited: Set<string>;
  readonly #stopRequest = new AbortController();
  #finish: (exitCode: number) => void = () => undefined;
  #stopping: Promise<void> | undefined;

  /**
   * Starts everything and keeps it running; a process that ends by itself is started again.
   * @param print writes a line for the person who started it
   * @throws StartFault when something that a person must put right is in the way; nothing is left running then
   */
  static async start(config: ClusterConfig, programs: Programs, print: (line: string) => void): Promise<Cluster> {
    const topology = planTopology(config);
    const folder = new DataFolder(config.each.dataDir);
    folder.open();
    const lock = await lockFolder(folder.path);
    const cleanUp: CleanUp = [() => lock.release()];
    try {
      await requireFreePorts(config, topology, lock.wasAbandoned ? abandonedPortPatienceMs : 0);
      const { holder: key, notice } = folder.masterKey(config.each.masterKey);
      if (notice !== undefined) print(notice);
      const firstPassword = config.each.adminPassword === undefined ? folder.firstAdminPassword() : undefined;
      const { workers, controlPlanes } = config;
      const { controlPlane, worker, besides } = sessionsOf;
      const maxConnections = controlPlanes * controlPlane + workers * worker + besides;
      const postgres = await PostgresKeeper.start({ dataDir: folder.path, maxConnections }, print);
      cleanUp.push(() => postgres.stop());
      await finishRekey(folder, key, postgres.url, print);
      const names = topology.workers.map(({ name }) => name);
      const urls = { databaseUrl: postgres.url, workerDatabaseUrl: await makeWorkerRoles(postgres.url, key, names) };
      const foundation = { config: config.each, folder, ...urls, key, firstPassword, topology };
      return new Cluster(foundation, programs, postgres, print, cleanUp);
    } catch (error) {
      await undo(cleanUp);
      throw error;
    }
  }

  private constructor(
    foundation: Foundation,
    programs: Programs,
    postgres: PostgresKeeper,
    print: (line: string) => void,
    cleanUp: CleanUp,
  ) {
    this.#foundation = foundation;
    this.#postgres = postgres;
    this.#print = print;
    this.#cleanUp = cleanUp;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#parts = makeParts(foundation, programs, {
      print,
      ready: (name) => this.#ready(name),
      hopeless: (exitCode) => void this.stop(exitCode),
    });
    this.#awaited = new Set(this.#parts.filter(isOurs).map(({ name }) => name));
    for (const { child } of this.#parts) child.start();
  }

  get processes(): ClusterProcess[] {
    return [
      { name: 'postgres', kind: 'postgres', pid: this.#postgres.pid, port: undefined },
      ...this.#parts.map(({ name, kind, port, child }) => ({ name, kind, pid: child.pid, port })),
    ];
  }

  /** Stops one process, in order, until `startOne`. @throws when there is none of that name */
  async stopOne(name: string): Promise<void> {
    await (name === 'postgres' ? this.#postgres : this.#childOf(name)).stop();
  }

  /** Starts one that was stopped. */
  async startOne(name: string): Promise<void> {
    if (name === 'postgres') await this.#postgres.resume();
    else this.#childOf(name).start();
  }

  stop(exitCode = 0): Promise<void> {
    this.#stopping ??= this.#stopInOrder(exitCode);
    return this.#stopping;
  }

  kill(): void {
    for (const { child } of this.#parts) child.kill();
  }

  /** Workers first, while the balancer still hands their connections on; what is behind all last. */
  async #stopInOrder(exitCode: number): Promise<void> {
    this.#stopRequest.abort();
    for (const kind of ['worker', 'control-plane', 'haproxy', 'redis'] as const)
      await Promise.all(this.#parts.filter((part) => part.kind === kind).map(({ child }) => child.stop()));
    this.#foundation.folder.removeLocalAccess();
    await undo(this.#cleanUp);
    this.#finish(exitCode);
  }

  #childOf(name: string): SupervisedChild {
    const part = this.#parts.find((one) => one.name === name);
    if (part === undefined) throw new Error(`there is no process ${name}`);
    return part.child;
  }

  #ready(name: string): void {
    if (!this.#awaited.delete(name) || this.#awaited.size > 0) return;
    this.#announce().catch((error: unknown) => {
      if (!this.#stopRequest.signal.aborted) this.#print(String(error));
    });
  }

  /** All of ours serve; the balancer has to have seen it. */
  async #announce(): Promise<void> {
    const { bind, proxyPort, apiPort } = this.#foundation.config;
    const urls = { proxyUrl: localUrl(bind, proxyPort), apiUrl: localUrl(bind, apiPort) };
    const { signal } = this.#stopRequest;
    for (const url of Object.values(urls))
      await waitFor(() => isReady(url), { timeoutMs: 60_000, everyMs: 100, signal });
    this.#print(describeCluster({ ...urls, processes: this.processes }));
  }
}

function isOurs({ kind }: Part): boolean {
  return kind === 'control-plane' || kind === 'worker';
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}

async function requireFreePorts(config: ClusterConfig, topology: Topology, patienceMs: number): Promise<void> {
  const { bind, proxyPort, apiPort } = config.each;
  await requireFreePort({ bind, port: proxyPort, setting: '--proxy-port (ONECLI_PROXY_PORT)' }, patienceMs);
  await requireFreePort({ bind, port: apiPort, setting: '--api-port (ONECLI_API_PORT)' }, patienceMs);
  const { balancer, redis, controlPlanes, workers } = topology;
  const inner = [balancer.metricsPort, redis?.port, ...[...controlPlanes, ...workers].map(({ port }) => port)];
  const setting = '--first-port (ONECLI_CLUSTER_FIRST_PORT)';
  for (const port of inner)
    if (port !== undefined) await requireFreePort({ bind: '127.0.0.1', port, setting }, patienceMs);
}

async function undo(cleanUp: CleanUp): Promise<void> {
  for (const step of cleanUp.toReversed()) await step();
}
