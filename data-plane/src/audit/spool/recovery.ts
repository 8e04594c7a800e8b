import { setTimeout as pause } from 'node:timers/promises';
import { type BootFolder, abandonedFolders } from './boot-folder.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { leftSegments } from './spool.ts';

export interface RecoveryOptions
  extends Pick<
    DeliveryOptions,
    'disk' | 'key' | 'queue' | 'confirmations' | 'log' | 'flushEveryMs' | 'askEveryMs' | 'againMs'
  > {
  /** Where the folders of all boots are. */
  readonly spoolFolder: string;
}

const lookEveryMs = 100;
const waitForStoreMs = 1000;

/** Gives what earlier boots have left in the spool to the queue, and says that they are over: one after another. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #stopping = new AbortController();
  #leftBytes = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#leftBytes = abandonedFolders(options.disk, options.spoolFolder).reduce(
      (sum, folder) => sum + this.#sizeOf(folder),
      0,
    );
  }

  /** What is left of earlier boots. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  /** Resolves when nothing is left, or after `stop`. */
  async run(): Promise<void> {
    const { disk, spoolFolder, log } = this.#options;
    for (const folder of abandonedFolders(disk, spoolFolder)) {
      if (this.#isStopped) return;
      const bytes = this.#sizeOf(folder);
      const isDone = await this.#recover(folder).catch((error: unknown) => {
        log.error({ err: error, path: folder.path }, 'what an earlier boot left in the audit spool cannot be read');
        return false;
      });
      if (!isDone) continue;
      disk.remove(folder.path);
      this.#leftBytes -= bytes;
      log.info({ boot: folder.boot, bytes }, 'the audit trail of an earlier boot is written');
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #recover(folder: BootFolder): Promise<boolean> {
    const { disk, confirmations } = this.#options;
    const segments = leftSegments(disk, folder);
    const written = await this.#patiently(() => confirmations.written(folder.worker, folder.boot));
    if (this.#isStopped) return false;
    if (segments.length === 0 && !written) return true;
    const writtenThrough = written?.through ?? -1;
    const delivery = new Delivery({ ...this.#options, folder, segments, writtenThrough, onWritten: () => undefined });
    delivery.end();
    while (!delivery.isDone && !this.#isStopped) await pause(lookEveryMs);
    delivery.stop();
    return delivery.isDone;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
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
