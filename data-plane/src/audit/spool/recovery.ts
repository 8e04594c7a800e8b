import { setTimeout as pause } from 'node:timers/promises';
import { abandonedFolders, type BootFolder, type FolderClaim, takeFolder } from './boot-folder.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { leftSegments } from './spool.ts';

export interface RecoveryOptions
  extends Pick<
    DeliveryOptions,
    'disk' | 'key' | 'queue' | 'confirmations' | 'log' | 'flushEveryMs' | 'askEveryMs' | 'againMs'
  > {
  /** Where the folders of all boots are. */
  readonly spoolFolder: string;
  /** Of this process. */
  readonly boot: string;
}

const lookEveryMs = 100;
const waitForStoreMs = 1000;

type Taken = NonNullable<ReturnType<typeof takeFolder>>;

/** Gives what earlier boots have left in the spool to the queue, and says that they are over: one after another. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #stopping = new AbortController();
  #leftBytes = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#leftBytes = this.#sizeOfAll(abandonedFolders(options.disk, options.spoolFolder, options.boot));
  }

  /** What is left of earlier boots. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  /** Runs again and again: folders of other containers are seen to be abandoned only when they are stale. Resolves after `stop`. */
  async keepRunning(everyMs: number): Promise<void> {
    while (!this.#isStopped) {
      await this.run().catch((error: unknown) => this.#options.log.error({ err: error }, 'recovery failed'));
      await pause(everyMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  /** Resolves when all that is left now is given or cannot be, or after `stop`. */
  async run(): Promise<void> {
    const { disk, spoolFolder, boot, log } = this.#options;
    const folders = abandonedFolders(disk, spoolFolder, boot);
    this.#leftBytes = this.#sizeOfAll(folders);
    for (const found of folders) {
      if (this.#isStopped) return;
      const bytes = this.#sizeOf(found);
      try {
        const taken = takeFolder(disk, spoolFolder, found, boot);
        // What another has taken is his to give, and to count.
        if (!taken || (await this.#recoverTaken(taken, bytes))) this.#leftBytes -= bytes;
      } catch (error) {
        log.error({ err: error, path: found.path }, 'what an earlier boot left in the audit spool cannot be read');
      }
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Gives whether this process has no more to do with it. */
  async #recoverTaken({ folder, claim }: Taken, bytes: number): Promise<boolean> {
    const { disk, log } = this.#options;
    try {
      const isDone = await this.#recover(folder, claim);
      if (!isDone || claim.isLost) return claim.isLost;
    } finally {
      claim.stop();
    }
    disk.remove(folder.path);
    log.info({ boot: folder.boot, bytes }, 'the audit trail of an earlier boot is written');
    return true;
  }

  async #recover(folder: BootFolder, claim: FolderClaim): Promise<boolean> {
    const { disk, confirmations } = this.#options;
    const segments = leftSegments(disk, folder);
    const written = await this.#patiently(() => confirmations.written(folder.worker, folder.boot));
    if (this.#isStopped || claim.isLost) return false;
    if (segments.length === 0 && !written) return true;
    const writtenThrough = written?.through ?? -1;
    const delivery = new Delivery({ ...this.#options, folder, segments, writtenThrough, onWritten: () => undefined });
    delivery.end();
    while (!delivery.isDone && !this.#isStopped && !claim.isLost) await pause(lookEveryMs);
    delivery.stop();
    return delivery.isDone;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #sizeOfAll(folders: readonly BootFolder[]): number {
    return folders.reduce((sum, folder) => sum + this.#sizeOf(folder), 0);
  }

  #sizeOf(folder: BootFolder): number {
    return leftSegments(this.#options.disk, folder).reduce((sum, { end }) => sum + end, 0);
  }

  async #patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.#isStopped) {
      try {
        return await ask();
      } catch {
        await pause(waitForStoreMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }
}
