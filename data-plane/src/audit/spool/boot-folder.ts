import { join } from 'node:path';
import { hasGone, ownProcess, type Process } from './owner-process.ts';
import type { SpoolDisk } from './spool-disk.ts';

/** What the spool folder holds of one boot of a worker. */
export interface BootFolder {
  readonly path: string;
  readonly worker: string;
  readonly boot: string;
}

/** One that nobody writes to any more. */
interface AbandonedFolder extends BootFolder {
  /** The boot that last set out to recover it. */
  readonly claimer: string | undefined;
}

interface Owner extends Process {
  readonly boot?: string;
}

const ownerName = 'owner.json';
const folderForm =
  /^(?<worker>[a-z0-9][a-z0-9-]{0,62})\.(?<boot>[0-9a-f]{1,32})(?:\.recovering-(?<claimer>[0-9a-f]{1,32}))?$/;
const touchEveryMs = 5000;
/** An owner that has not touched its folder for so long looks before it writes: it may have been stopped meanwhile. */
const doubtAfterMs = 20_000;
/** Whose process cannot be seen from here is taken for gone when it has not touched its folder for so long. */
const staleAfterMs = 60_000;

export function bootFolder(spoolFolder: string, worker: string, boot: string): BootFolder {
  return { path: join(spoolFolder, `${worker}.${boot}`), worker, boot };
}

/** Says whose a folder is, for as long as this process lives, and notices when it is so no more. */
export class FolderClaim {
  readonly #disk: SpoolDisk;
  readonly #path: string;
  readonly #inode: number;
  readonly #onLost: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  #touchedAtMs = Date.now();
  #loss: Error | undefined;

  /**
   * @param boot of this process
   * @param onLost is called when that is noticed at a moment at which nobody asked
   * @throws Error of the system, when the folder is not there, too
   */
  constructor(disk: SpoolDisk, folder: BootFolder, boot: string, onLost: (error: Error) => void = () => undefined) {
    this.#disk = disk;
    this.#onLost = onLost;
    this.#path = join(folder.path, ownerName);
    const owner: Owner = { ...ownProcess(), boot };
    disk.writeText(this.#path, JSON.stringify(owner));
    this.#inode = disk.touch(this.#path);
    this.#timer = setInterval(() => this.#touchQuietly(), touchEveryMs).unref();
  }

  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** @throws Error when the folder is another's or gone, and when nobody could be told for long that it is not */
  check(): void {
    // The clock of the day goes on while the machine sleeps; it may also be set.
    if (Math.abs(Date.now() - this.#touchedAtMs) > doubtAfterMs) this.touch();
    if (this.#loss) throw this.#loss;
  }

  /** @throws Error when the folder is another's or gone, and of the system */
  touch(): void {
    if (this.#loss) throw this.#loss;
    try {
      if (this.#disk.touch(this.#path) !== this.#inode) throw Object.assign(new Error('Replaced'), { code: 'ENOENT' });
      this.#touchedAtMs = Date.now();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#loss = new Error(`The folder of this boot was taken away: ${this.#path} is not its own any more`);
      this.stop();
      throw this.#loss;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #touchQuietly(): void {
    try {
      this.touch();
    } catch {
      // A disk that is away for a moment is met by who writes next.
      if (this.#loss) this.#onLost(this.#loss);
    }
  }
}

/**
 * Folders of boots whose process is gone: what they hold has to be given to the queue by somebody else.
 * @param boot of this process: what it has claimed itself is among them
 */
export function abandonedFolders(disk: SpoolDisk, spoolFolder: string, boot: string): AbandonedFolder[] {
  return disk.list(spoolFolder).flatMap((name) => {
    const { worker, boot: left, claimer } = folderForm.exec(name)?.groups ?? {};
    if (worker === undefined || left === undefined) return [];
    const folder = { path: join(spoolFolder, name), worker, boot: left, claimer };
    return claimer === boot || isAbandoned(disk, folder) ? [folder] : [];
  });
}

/** Takes an abandoned folder. Of several that try, one gets it; the others, undefined. */
export function takeFolder(
  disk: SpoolDisk,
  spoolFolder: string,
  { path, worker, boot, claimer }: AbandonedFolder,
  ownBoot: string,
): { readonly folder: BootFolder; readonly claim: FolderClaim } | undefined {
  const folder = { path: join(spoolFolder, `${worker}.${boot}.recovering-${ownBoot}`), worker, boot };
  try {
    if (claimer !== ownBoot) disk.rename(path, folder.path);
    return { folder, claim: new FolderClaim(disk, folder, ownBoot) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAbandoned(disk: SpoolDisk, { path, claimer }: AbandonedFolder): boolean {
  const owner = readOwner(disk, path);
  // Somebody is about to say that it is his: the one before him is still named.
  const isBeingTaken = claimer !== undefined && owner?.boot !== claimer;
  if (!owner || isBeingTaken) return disk.ageMs(path) > staleAfterMs;
  return hasGone(owner) ?? disk.ageMs(join(path, ownerName)) > staleAfterMs;
}

function readOwner(disk: SpoolDisk, path: string): Owner | undefined {
  try {
    const owner = JSON.parse(disk.readText(join(path, ownerName)) ?? '{}') as Partial<Owner>;
    const { pid, startedAt } = owner;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { ...owner, pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}
