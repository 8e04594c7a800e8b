import { SegmentReader, type SpoolRecord } from './segment-file.ts';
import type { Segment } from './spool.ts';
import type { SpoolDisk } from './spool-disk.ts';

/** A link as it was read, and what it follows on. */
export interface ReadLink extends SpoolRecord {
  readonly previousMac: string;
}

const macTextLength = 65;

/** Reads the links of several files, one after another; of one that is still written to, what there is. */
export class SegmentChain {
  readonly #disk: SpoolDisk;
  readonly #key: Buffer;
  readonly #segments: readonly Segment[];
  readonly #onCut: (path: string) => void;
  #segment: Segment | undefined;
  #reader: SegmentReader | undefined;
  #previousMac = '';
  #isTold = false;

  /** @param segments may grow at their end and shrink at their start while they are read */
  constructor(disk: SpoolDisk, key: Buffer, segments: readonly Segment[], onCut: (path: string) => void) {
    this.#disk = disk;
    this.#key = key;
    this.#segments = segments;
    this.#onCut = onCut;
  }

  /** What the next link follows on, as far as is known. */
  get previousMac(): string {
    return this.#previousMac;
  }

  /** The next links, some `maxBytes` of them; none when there is nothing more for now. @throws Error of the system */
  async read(maxBytes: number): Promise<ReadLink[]> {
    for (;;) {
      const segment = (this.#segment ??= this.#segments[0]);
      if (!segment) return [];
      this.#reader ??= new SegmentReader(this.#disk, segment.path, this.#key);
      const { end, isComplete } = segment;
      const links = this.#linksOf(await this.#reader.read(end, maxBytes));
      const last = links.at(-1);
      if (last && (segment.last ?? -1) < last.first + last.count) segment.last = last.first + last.count - 1;
      if (links.length > 0) return links;
      // The first link is larger than what was read of the file.
      if (!this.#reader.isAt(end)) continue;
      if (!isComplete || segment.end !== end) return [];
      this.#tellCut(segment);
      const next = this.#segments[this.#segments.indexOf(segment) + 1];
      if (!next) return [];
      this.#segment = next;
      this.#reader = undefined;
      this.#isTold = false;
    }
  }

  #tellCut({ path }: Segment): void {
    if (this.#reader?.endsWithin && !this.#isTold) this.#onCut(path);
    this.#isTold = true;
  }

  #linksOf(records: readonly SpoolRecord[]): ReadLink[] {
    const links: ReadLink[] = [];
    for (const record of records) {
      if (record.count === 0) this.#previousMac = record.text;
      else {
        links.push({ ...record, previousMac: this.#previousMac });
        this.#previousMac = record.text.slice(-macTextLength, -1);
      }
    }
    return links;
  }
}
