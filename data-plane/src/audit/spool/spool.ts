import { dirname, join } from 'node:path';
import { type BootFolder, FolderClaim } from './boot-folder.ts';
import { type AppendedRecord, SegmentWriter } from './segment-file.ts';
import type { SpoolDisk } from './spool-disk.ts';

/** A file of a boot, and where what is readable of it ends. */
export interface Segment {
  readonly path: string;
  /** Its last entry; undefined while that is not known or there is none. */
  last: number | undefined;
  end: number;
  /** Nothing will be added. */
  isComplete: boolean;
}

export interface SpoolOptions {
  readonly disk: SpoolDisk;
  readonly folder: BootFolder;
  /** The instance's key for `audit-spool`. */
  readonly key: Buffer;
  readonly segmentBytes: number;
  /** Files are on the medium before they are closed. */
  readonly isDurable: boolean;
}

const suffix = '.segment';

/** The files of a boot that is running: links are appended to the last one. */
export class Spool {
  readonly segments: Segment[] = [];
  readonly #options: SpoolOptions;
  #writer: SegmentWriter | undefined;
  #number = 0;
  #claim: FolderClaim | undefined;
  #tellLoss: (error: Error) => void = () => undefined;
  /** Its folder, and those that it lies in, are on the medium. */
  #isFolderThere = false;
  #bytes = 0;
  /** Is being brought to the medium. */
  #syncing: SegmentWriter | undefined;
  #faults = 0;
  #fault: unknown;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Its folder was taken away: nothing can be written until the worker starts anew. */
  get isLost(): boolean {
    return this.#claim?.isLost ?? false;
  }

  /** Of all files. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * How often something could not be brought to the medium. The system tells that once and to any caller: whoever has
   * appended before it grew cannot know that his link is there. A file is not written to after its fault.
   */
  get faults(): number {
    return this.#faults;
  }

  /** @param tell is called when the folder is found to be taken away while nothing is written */
  whenLost(tell: (error: Error) => void): void {
    this.#tellLoss = tell;
  }

  /** The last one. */
  get fault(): unknown {
    return this.#fault;
  }

  /**
   * Appends a link with one call to the system.
   * @param previousMac what it follows on, in hex
   * @throws Error of the system: then nothing of it is there, and the next call tries a new file
   */
  append(link: AppendedRecord, previousMac: string): void {
    const segment = this.#segmentFor(link.first, previousMac);
    try {
      this.#writer?.append(link);
    } catch (error) {
      this.#endSegment();
      throw error;
    }
    segment.last = link.first + link.count - 1;
    this.#grow(segment);
  }

  /** Resolves when what was appended is on the medium, unless `faults` grew. */
  async sync(): Promise<void> {
    const writer = this.#writer;
    if (!writer) return;
    this.#syncing = writer;
    try {
      await this.#options.disk.sync(writer.descriptor);
    } catch (error) {
      this.#suffer(writer, error);
    }
    this.#syncing = undefined;
    if (this.#writer !== writer) writer.close();
  }

  /** The same, at once. */
  syncNow(): void {
    const writer = this.#writer;
    try {
      if (writer) this.#options.disk.syncNow(writer.descriptor);
    } catch (error) {
      if (writer) this.#suffer(writer, error);
    }
  }

  /** Goes on in a new file when `sync` runs: it may be told the fault that `syncNow` would have to know at once. */
  leaveUnsettled(): void {
    if (this.#syncing && this.#syncing === this.#writer) this.#endSegment();
  }

  /** Removes files of which every entry is at most `through`. Gives them. */
  removeThrough(through: number): Segment[] {
    const isDone = ({ isComplete, last }: Segment): boolean => isComplete && (last ?? -1) <= through;
    const done = this.segments.filter(isDone);
    for (const { path } of done) this.#options.disk.remove(path);
    for (const { end } of done) this.#bytes -= end;
    if (done.length > 0)
      this.segments.splice(0, this.segments.length, ...this.segments.filter((each) => !isDone(each)));
    return done;
  }

  /** Whether a link could be appended now. @throws Error of the system */
  probe(first: number, previousMac: string): void {
    this.#segmentFor(first, previousMac);
  }

  /** No more is appended. */
  close(): void {
    this.#endSegment();
    this.#claim?.stop();
  }

  #segmentFor(first: number, previousMac: string): Segment {
    this.#checkClaim();
    const current = this.segments.at(-1);
    if (this.#writer && current) {
      if (this.#writer.bytes < this.#options.segmentBytes) return current;
      this.#endSegment();
    }
    const { disk, folder, key } = this.#options;
    const isFirst = !this.#isFolderThere;
    this.#claimFolder();
    const path = join(folder.path, `${String(this.#number++).padStart(10, '0')}${suffix}`);
    const writer = SegmentWriter.create(disk, path, key, { first, count: 0, text: previousMac });
    try {
      if (this.#options.isDurable) this.#syncFolders(isFirst);
    } catch (error) {
      writer.close();
      disk.remove(path);
      throw error;
    }
    this.#isFolderThere = true;
    this.#writer = writer;
    const segment: Segment = { path, last: undefined, end: 0, isComplete: false };
    this.segments.push(segment);
    this.#grow(segment);
    return segment;
  }

  /** @throws Error when another has taken the folder, or it is gone: what would be written to it, nobody would read */
  #checkClaim(): void {
    try {
      this.#claim?.check();
    } catch (error) {
      this.#endSegment();
      throw error;
    }
  }

  /** @throws Error as above: a new file must not be made in a folder that is nobody's */
  #claimFolder(): void {
    const { disk, folder } = this.#options;
    if (this.#claim) return this.#claim.touch();
    disk.makeFolder(folder.path);
    this.#claim = new FolderClaim(disk, folder, folder.boot, (error) => this.#tellLoss(error));
  }

  #grow(segment: Segment): void {
    const end = this.#writer?.bytes ?? segment.end;
    this.#bytes += end - segment.end;
    segment.end = end;
  }

  /** @param isFirst its folder, and those that it lies in, may be new */
  #syncFolders(isFirst: boolean): void {
    const { disk, folder } = this.#options;
    disk.syncFolder(folder.path);
    if (!isFirst) return;
    disk.syncFolder(dirname(folder.path));
    disk.syncFolder(dirname(dirname(folder.path)));
  }

  #suffer(writer: SegmentWriter, error: unknown): void {
    this.#faults++;
    this.#fault = error;
    if (this.#writer === writer) this.#leave(writer);
  }

  #endSegment(): void {
    if (this.#options.isDurable) this.syncNow();
    if (this.#writer) this.#leave(this.#writer);
  }

  #leave(writer: SegmentWriter): void {
    const segment = this.segments.at(-1);
    if (segment) segment.isComplete = true;
    this.#writer = undefined;
    // Its descriptor may be that of another file by the time `sync` comes to use it.
    if (this.#syncing !== writer) writer.close();
  }
}

/** The files that a boot has left, in their order. */
export function leftSegments(disk: SpoolDisk, folder: BootFolder): Segment[] {
  const names = disk.list(folder.path).filter((name) => name.endsWith(suffix));
  return names.toSorted().map((name) => {
    const path = join(folder.path, name);
    return { path, last: undefined, end: disk.sizeOf(path), isComplete: true };
  });
}
