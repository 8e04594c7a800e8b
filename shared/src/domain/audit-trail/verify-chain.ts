/* Whether the entries of one boot follow on one another. */
import { fromHex, joined, toHex, utf8 } from './bytes.ts';
import { ownWorker, readOwnEntry, type OwnEntry } from './own-entry.ts';
import type { EntryLine, TrailFaultKind } from './trail-lines.ts';
import { BootRows, stable } from './verify-rows.ts';

type Tell = (kind: TrailFaultKind, index: number, id: string | null, message: string) => void;

/** HMAC-SHA-256 under the instance's key for `audit-mac`. */
export type AuditMac = (data: Uint8Array) => Uint8Array;

export interface ChainSurroundings {
  readonly mac: AuditMac | undefined;
  readonly tell: Tell;
  /** Told of what the control plane itself says. */
  readonly stated: (entry: OwnEntry, index: number) => void;
  /** Whether something is wrong already with an entry from an index on: then it is known why a link is broken. */
  readonly isExplained: (fromIndex: number) => boolean;
  /** The trail does not begin with its first entry. */
  readonly isLate: boolean;
}

export class BootChain {
  readonly #worker: string;
  readonly #boot: string;
  readonly #around: ChainSurroundings;
  readonly #rows: BootRows;
  #next: number | undefined;
  /** Undefined: not known. */
  #mac: string | undefined;
  #link: string[] = [];
  #linkAt: { readonly index: number; readonly id: string } | undefined;
  /** As it was stated last. */
  #end: { readonly count: number; readonly index: number } | undefined;

  constructor(worker: string, boot: string, around: ChainSurroundings) {
    this.#worker = worker;
    this.#boot = boot;
    this.#around = around;
    this.#rows = new BootRows(worker, boot, around.tell);
  }

  /** Takes that the boot is over, and how many entries it had. */
  end(count: number, index: number): void {
    this.#end = { count, index };
  }

  take(entry: EntryLine, rowsFromMs: number | undefined, adminRowsFromMs: number): void {
    const sequence = sequenceOf(entry.line);
    const id = sequence === undefined ? null : `${this.#worker}-${this.#boot}-${sequence.toString(36)}`;
    if (sequence === undefined) this.#around.tell('FORMAT', entry.index, null, 'the entry is none that can be read');
    else this.#follow(sequence, entry, id);
    this.#linkAt ??= { index: entry.index, id: id ?? '' };
    this.#link.push(entry.line);
    if (entry.mac !== undefined) this.#close(entry.mac);
    if (this.#worker === ownWorker) this.#own(entry, rowsFromMs === undefined ? undefined : adminRowsFromMs);
    else this.#rows.take(entry, rowsFromMs);
  }

  /** Entries that cannot be read are passed over. */
  skip(sequence: number, count: number): void {
    this.#next = sequence + count;
    this.#mac = undefined;
    this.#link = [];
    this.#linkAt = undefined;
  }

  finish(rowsFromMs: number | undefined): void {
    if (this.#linkAt !== undefined && !this.#around.isExplained(this.#linkAt.index))
      this.#around.tell('CHAIN_BROKEN', this.#linkAt.index, this.#linkAt.id, 'the MAC of its link is missing');
    if (this.#end !== undefined && this.#next !== undefined && this.#next !== this.#end.count) {
      const message = `${this.#name()} ended after ${this.#end.count} entries: ${this.#next} are here`;
      this.#around.tell('CHAIN_GAP', this.#end.index, null, message);
    }
    this.#rows.finish(rowsFromMs, this.#end !== undefined, this.#around.isExplained);
  }

  #follow(sequence: number, { index, previousMac }: EntryLine, id: string | null): void {
    const expected = this.#next ?? (this.#around.isLate ? sequence : 0);
    if (sequence !== expected) {
      const message = `entries ${expected} to ${sequence - 1} of ${this.#name()} are missing`;
      const again = `${this.#name()} has its entry ${expected} after this one, or had it already`;
      this.#around.tell('CHAIN_GAP', index, id, sequence > expected ? message : again);
      this.#mac = undefined;
    }
    this.#next = sequence + 1;
    if (this.#linkAt !== undefined) return;
    this.#mac ??= (sequence === 0 ? this.#start() : undefined) ?? previousMac;
    if (previousMac !== undefined && previousMac !== this.#mac && !this.#around.isExplained(index))
      this.#around.tell('CHAIN_BROKEN', index, id, 'it is said to follow on another link than it does');
  }

  #close(mac: string): void {
    const { mac: hmac, tell, isExplained } = this.#around;
    const { index, id } = this.#linkAt ?? { index: 0, id: null };
    const lines = this.#link.map((line) => `${line}\n`).join('');
    const before = this.#mac === undefined ? undefined : fromHex(this.#mac);
    // Without what came before, a link is good for those after it alone.
    const isWrong = hmac !== undefined && before !== undefined && toHex(hmac(joined(before, utf8(lines)))) !== mac;
    if (isWrong && !isExplained(index)) tell('CHAIN_BROKEN', index, id, 'its link has not the MAC that it should have');
    this.#mac = mac;
    this.#link = [];
    this.#linkAt = undefined;
  }

  #own({ index, line, row }: EntryLine, rowsFromMs: number | undefined): void {
    const own = readOwn(line);
    if (own === undefined) return;
    this.#around.stated(own.entry, index);
    if (own.entry.kind !== 'ADMIN' || rowsFromMs === undefined) return;
    const { event } = own.entry;
    const id = String(event['id']);
    if (row !== null && row !== undefined) {
      if (stable(row) !== stable(event))
        this.#around.tell('ROW_ALTERED', index, id, 'the record of admins says something else');
    } else if (Number(event['atMicros']) / 1_000 >= rowsFromMs)
      this.#around.tell('ROW_MISSING', index, id, 'the record of admins lacks the event');
  }

  /** What the first link follows on; no matter what the export says. */
  #start(): string | undefined {
    const { mac } = this.#around;
    return mac && toHex(mac(utf8(`onecli/v1/audit-chain/${this.#worker}/${this.#boot}`)));
  }

  #name(): string {
    return `${this.#worker}/${this.#boot}`;
  }
}

function readOwn(line: string): ReturnType<typeof readOwnEntry> {
  try {
    return readOwnEntry(line);
  } catch {
    return undefined;
  }
}

function sequenceOf(line: string): number | undefined {
  const [, digits] = /^\[(0|[1-9][0-9]{0,15}),/.exec(line) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
