import { join } from 'node:path';
import type { BootFolder } from './boot-folder.ts';
import { claimFolder } from './boot-folder.ts';
import { SegmentWriter, type SpoolRecord } from './segment-file.ts';
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
  #isClaimed = false;
  #bytes = 0;
  /** Why a file that was closed may not be on the medium. */
  #unsynced: unknown;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Of all files. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends a link with one call to the system.
   * @param previousMac what it follows on, in hex
   * @throws Error of the system: then nothing of it is there, and the next call tries a new file
   */
  append(link: SpoolRecord, previousMac: string): void {
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

  /** Resolves when what was appended is on the medium. @throws Error of the system */
  async sync(): Promise<void> {
    const writer = this.#writer;
    try {
      if (writer) await this.#options.disk.sync(writer.descriptor);
    } catch (error) {
      // One that was closed meanwhile was brought to the medium by that.
      if (this.#writer === writer) {
        this.#endSegment();
        throw error;
      }
    }
    const unsynced = this.#unsynced;
    this.#unsynced = undefined;
    if (unsynced !== undefined) throw unsynced;
  }

  /** The same, at once. @throws Error of the system */
  syncNow(): void {
    if (this.#writer) this.#options.disk.syncNow(this.#writer.descriptor);
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
  }

  #segmentFor(first: number, previousMac: string): Segment {
    const current = this.segments.at(-1);
    if (this.#writer && current) {
      if (this.#writer.bytes < this.#options.segmentBytes) return current;
      this.#endSegment();
    }
    const { disk, folder, key } = this.#options;
    if (!this.#isClaimed) claimFolder(disk, folder);
    this.#isClaimed = true;
    const path = join(folder.path, `${String(this.#number++).padStart(10, '0')}${suffix}`);
    this.#writer = SegmentWriter.create(disk, path, key, { first, count: 0, text: previousMac });
    const segment: Segment = { path, last: undefined, end: 0, isComplete: false };
    this.segments.push(segment);
    this.#grow(segment);
    return segment;
  }

  #grow(segment: Segment): void {
    const end = this.#writer?.bytes ?? segment.end;
    this.#bytes += end - segment.end;
    segment.end = end;
  }

  #endSegment(): void {
    const segment = this.segments.at(-1);
    if (!this.#writer || !segment) return;
    segment.isComplete = true;
    try {
      if (this.#options.isDurable) this.syncNow();
    } catch (error) {
      this.#unsynced = error;
    }
    this.#writer.close();
    this.#writer = undefined;
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
