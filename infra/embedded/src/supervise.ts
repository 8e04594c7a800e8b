// The supervisor: lock, ports, Postgres, control plane and workers, in this order; and the other way round at the end.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeStart } from './banner.ts';
import { ChildLog } from './children/child-log.ts';
import { controlPlaneEnvironment, localUrl, workerEnvironment } from './children/child-environments.ts';
import { bindSharedListener, requireFreePort } from './children/listening-port.ts';
import type { SharedHandle } from './children/listening-port.ts';
import { SupervisedChild } from './children/supervised-child.ts';
import type { ChildSpec } from './children/supervised-child.ts';
import type { SupervisorConfig } from './config.ts';
import { DataFolder } from './data-folder/data-folder.ts';
import type { MasterKeyHolder } from './data-folder/data-folder.ts';
import { lockFolder } from './data-folder/folder-lock.ts';
import { openKeyDescriptor } from './data-folder/hand-over-key.ts';
import { finishRekey } from './finish-rekey.ts';
import { PostgresKeeper } from './postgres/postgres-keeper.ts';
import type { Supervision } from './supervision.ts';

const abandonedPortPatienceMs = 10_000;
/** For a child to end, besides the time that a worker gives to requests under way. */
const stopPatienceMs = 15_000;

/** The programs to supervise; tests put their own in place. */
export interface Programs {
  readonly controlPlane: string;
  readonly worker: string;
}

/**
 * A worker makes much garbage that dies at once: a larger young generation is collected less often. V8's helper threads stay:
 * without them (`--single-threaded-gc`) a request took a tenth more CPU time and long pauses, measured.
 */
export const workerNodeFlags = ['--max-semi-space-size=32'];

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
  const cleanUp: CleanUp = [() => lock.release()];
  try {
    await requireFreePorts(config, lock.wasAbandoned ? abandonedPortPatienceMs : 0);
    const { holder: key, notice } = folder.masterKey(config.masterKey);
    if (notice !== undefined) print(notice);
    const firstPassword = config.adminPassword === undefined ? folder.firstAdminPassword() : undefined;
    const listener = bindSharedListener(config.bind, config.proxyPort);
    cleanUp.push(() => listener.close());
    const postgres = await PostgresKeeper.start({ dataDir: folder.path }, print);
    cleanUp.push(() => postgres.stop());
    await finishRekey(folder, key, postgres.url, print);
    const foundation = { config, folder, databaseUrl: postgres.url, key, firstPassword, listener: listener.handle };
    return new Planes(foundation, programs, print, cleanUp);
  } catch (error) {
    await undo(cleanUp);
    throw error;
  }
}

type CleanUp = (() => void | Promise<void>)[];

interface Foundation {
  readonly config: SupervisorConfig;
  readonly folder: DataFolder;
  readonly databaseUrl: string;
  readonly key: MasterKeyHolder;
  readonly firstPassword: { file: string; password: string } | undefined;
  readonly listener: SharedHandle;
}

async function undo(cleanUp: CleanUp): Promise<void> {
  for (const step of cleanUp.toReversed()) await step();
}

async function requireFreePorts({ bind, proxyPort, apiPort }: SupervisorConfig, patienceMs: number): Promise<void> {
  await requireFreePort({ bind, port: proxyPort, setting: '--proxy-port (ONECLI_PROXY_PORT)' }, patienceMs);
  await requireFreePort({ bind, port: apiPort, setting: '--api-port (ONECLI_API_PORT)' }, patienceMs);
}

/** The control plane and the workers, on a foundation that stands. */
class Planes implements Supervision {
  readonly ended: Promise<number>;
  readonly #foundation: Foundation;
  readonly #print: (line: string) => void;
  readonly #cleanUp: CleanUp;
  readonly #controlPlane: SupervisedChild;
  readonly #workers: readonly SupervisedChild[];
  /** Names of the children that have not been ready yet. */
  readonly #awaited = new Set<string>();
  #isPasswordTaken: boolean;
  #finish: (exitCode: number) => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(foundation: Foundation, programs: Programs, print: (line: string) => void, cleanUp: CleanUp) {
    this.#foundation = foundation;
    this.#print = print;
    this.#cleanUp = cleanUp;
    this.#isPasswordTaken = foundation.firstPassword === undefined;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    this.#controlPlane = this.#child('control-plane', programs.controlPlane, {
      environment: () =>
        controlPlaneEnvironment(foundation, this.#isPasswordTaken ? undefined : foundation.firstPassword?.file),
      onReady: () => this.#passwordTaken(),
    });
    const names = Array.from({ length: foundation.config.workers }, (_, index) => `worker-${index + 1}`);
    this.#workers = names.map((name) =>
      this.#child(name, programs.worker, {
        environment: () => workerEnvironment(foundation, name),
        nodeFlags: workerNodeFlags,
        listener: foundation.listener,
        stopPatienceMs: foundation.config.drainWaitMs + foundation.config.drainMs + stopPatienceMs,
      }),
    );
    for (const child of [this.#controlPlane, ...this.#workers]) child.start();
  }

  stop(exitCode = 0): Promise<void> {
    this.#stopping ??= this.#stopInOrder(exitCode);
    return this.#stopping;
  }

  kill(): void {
    for (const child of [...this.#workers, this.#controlPlane]) child.kill();
  }

  async #stopInOrder(exitCode: number): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#controlPlane.stop();
    this.#foundation.folder.removeLocalAccess();
    await undo(this.#cleanUp);
    this.#finish(exitCode);
  }

  #child(
    name: string,
    main: string,
    rest: Pick<ChildSpec, 'environment' | 'listener'> & {
      nodeFlags?: readonly string[];
      stopPatienceMs?: number;
      onReady?: () => void;
    },
  ): SupervisedChild {
    const { folder, key } = this.#foundation;
    this.#awaited.add(name);
    return new SupervisedChild({
      name,
      program: { kind: 'node', main, flags: rest.nodeFlags ?? [] },
      stopPatienceMs,
      ...rest,
      ...(key.kind === 'given' ? { openKey: () => openKeyDescriptor(key.hex) } : {}),
      log: new ChildLog(join(folder.path, 'logs'), name, this.#print),
      onReady: () => {
        rest.onReady?.();
        this.#ready(name);
      },
      onHopeless: (exitCode) => void this.stop(exitCode),
    });
  }

  #ready(name: string): void {
    if (!this.#awaited.delete(name) || this.#awaited.size > 0) return;
    const { bind, proxyPort, apiPort } = this.#foundation.config;
    const urls = { proxyUrl: localUrl(bind, proxyPort), apiUrl: localUrl(bind, apiPort) };
    this.#print(describeStart(urls));
  }

  /** The admin exists now: the first password is shown, and no file holds it any more. */
  #passwordTaken(): void {
    if (this.#isPasswordTaken) return;
    this.#isPasswordTaken = true;
    const { folder, config, firstPassword } = this.#foundation;
    this.#print(`The admin's login is ${config.adminUser} / ${firstPassword?.password}   (shown only this once)`);
    folder.forgetFirstAdminPassword();
  }
}
