// The supervisor: lock, ports, Postgres, control plane and workers, in this order; and the other way round at the end.
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeStart } from './banner.ts';
import { ChildLog } from './children/child-log.ts';
import { controlPlaneEnvironment, localUrl, workerEnvironment } from './children/child-environments.ts';
import { bindSharedListener, requireFreePort } from './children/listening-port.ts';
import { SupervisedChild } from './children/supervised-child.ts';
import type { ChildSpec } from './children/supervised-child.ts';
import type { SupervisorConfig } from './config.ts';
import { DataFolder } from './data-folder/data-folder.ts';
import { lockFolder } from './data-folder/folder-lock.ts';
import { openKeyDescriptor } from './data-folder/hand-over-key.ts';
import { startPostgres } from './embedded-postgres.ts';
import type { RunningPostgres } from './embedded-postgres.ts';

const abandonedPortPatienceMs = 10_000;
const postgresRestartDelayMs = { first: 100, longest: 5_000 };

/** The programs to supervise; tests put their own in place. */
export interface Programs {
  readonly controlPlane: string;
  readonly worker: string;
}

export interface Supervision {
  /** Settles with the exit code when everything has stopped. */
  readonly ended: Promise<number>;
  /** Stops workers, control plane and Postgres, in this order. */
  stop(exitCode?: number): Promise<void>;
  /** Ends all children at once. */
  kill(): void;
}

/** Where the built programs of the two planes are. */
export function installedPrograms(): Programs {
  return {
    controlPlane: fileURLToPath(import.meta.resolve('@onecli/control-plane/main')),
    worker: fileURLToPath(import.meta.resolve('@onecli/data-plane/main')),
  };
}

/**
 * Starts everything and keeps it running.
 * @param print writes a line for the person who started it
 * @throws StartFault when something that a person must put right is in the way; nothing is left running then
 */
export async function supervise(
  config: SupervisorConfig,
  programs: Programs,
  print: (line: string) => void,
): Promise<Supervision> {
  const folder = new DataFolder(config.dataDir);
  folder.open();
  const lock = await lockFolder(folder.path);
  const cleanUp: (() => void | Promise<void>)[] = [() => lock.release()];
  try {
    const patienceMs = lock.wasAbandoned ? abandonedPortPatienceMs : 0;
    await requireFreePort(
      { bind: config.bind, port: config.proxyPort, setting: '--proxy-port (ONECLI_PROXY_PORT)' },
      patienceMs,
    );
    await requireFreePort(
      { bind: config.bind, port: config.apiPort, setting: '--api-port (ONECLI_API_PORT)' },
      patienceMs,
    );
    const { holder: key, notice } = folder.masterKey(config.masterKey);
    if (notice !== undefined) print(notice);
    const generated = config.adminPassword === undefined ? folder.firstAdminPassword() : undefined;
    const listener = bindSharedListener(config.bind, config.proxyPort);
    cleanUp.push(() => listener.close());
    const postgres = await PostgresKeeper.start(folder.path, print);
    cleanUp.push(() => postgres.stop());

    let isPasswordTaken = generated === undefined;
    const waiting = new Set<string>();
    const surroundings = { config, folder, databaseUrl: postgres.url, key };
    let finish: (exitCode: number) => void = () => undefined;
    const ended = new Promise<number>((resolve) => (finish = resolve));
    const onReady = (name: string) => {
      if (name === 'control-plane' && !isPasswordTaken) {
        isPasswordTaken = true;
        folder.forgetFirstAdminPassword();
      }
      if (!waiting.delete(name) || waiting.size > 0) return;
      const urls = { proxyUrl: localUrl(config.bind, config.proxyPort), apiUrl: localUrl(config.bind, config.apiPort) };
      print(describeStart({ ...urls, adminUser: config.adminUser, password: generated?.password }));
    };
    const child = (name: string, main: string, rest: Pick<ChildSpec, 'environment' | 'listener'>) => {
      waiting.add(name);
      return new SupervisedChild({
        name,
        main,
        ...rest,
        ...(key.kind === 'given' ? { openKey: () => openKeyDescriptor(key.hex) } : {}),
        log: new ChildLog(join(folder.path, 'logs'), name, print),
        onReady: () => onReady(name),
        onHopeless: (exitCode) => void stop(exitCode),
      });
    };
    const controlPlane = child('control-plane', programs.controlPlane, {
      environment: () => controlPlaneEnvironment(surroundings, isPasswordTaken ? undefined : generated?.file),
    });
    const workers = Array.from({ length: config.workers }, (_, index) => `worker-${index + 1}`).map((name) =>
      child(name, programs.worker, {
        environment: () => workerEnvironment(surroundings, name),
        listener: listener.server,
      }),
    );
    let stopping: Promise<void> | undefined;
    const stop = (exitCode = 0): Promise<void> => {
      stopping ??= (async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
        await controlPlane.stop();
        folder.removeLocalAccess();
        for (const undo of cleanUp.toReversed()) await undo();
        finish(exitCode);
      })();
      return stopping;
    };
    for (const one of [controlPlane, ...workers]) one.start();
    const kill = () => {
      for (const one of [controlPlane, ...workers]) one.kill();
    };
    return { ended, stop, kill };
  } catch (error) {
    for (const undo of cleanUp.toReversed()) await undo();
    throw error;
  }
}

/** Starts Postgres again, on the same socket, when it ends by itself. */
class PostgresKeeper {
  readonly #dataDir: string;
  readonly #print: (line: string) => void;
  readonly #stopping = new AbortController();
  #server: RunningPostgres | undefined;
  #restart: Promise<void> | undefined;

  private constructor(dataDir: string, print: (line: string) => void) {
    this.#dataDir = dataDir;
    this.#print = print;
  }

  static async start(dataDir: string, print: (line: string) => void): Promise<PostgresKeeper> {
    const keeper = new PostgresKeeper(dataDir, print);
    await keeper.#start();
    return keeper;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restart;
    await this.#server?.stop();
  }

  async #start(): Promise<void> {
    const previous = this.#server?.connection.host;
    this.#server = await startPostgres({
      dataDir: this.#dataDir,
      signal: this.#stopping.signal,
      onExit: ({ code, signal }) => {
        this.#print(`postgres: ended (${code ?? signal}); starting again`);
        this.#restart = this.#startAgain();
      },
      ...(previous === undefined ? {} : { socketDir: previous }),
    });
  }

  async #startAgain(): Promise<void> {
    const { signal } = this.#stopping;
    for (
      let delayMs = postgresRestartDelayMs.first;
      !signal.aborted;
      delayMs = Math.min(delayMs * 2, postgresRestartDelayMs.longest)
    ) {
      try {
        await delay(delayMs, undefined, { signal });
        await this.#start();
        return;
      } catch (error) {
        if (!signal.aborted) this.#print(`postgres: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
