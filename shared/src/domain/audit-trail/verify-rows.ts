/* Whether the list says what the entries say. */
import type { AuditEvent } from '../audit-event.ts';
import { type AuditEntry, intendedEvent, loneEvent, readEntry, type IntentEntry } from '../audit-entry.ts';
import type { EntryLine, TrailFaultKind } from './trail-lines.ts';

type Tell = (kind: TrailFaultKind, index: number, id: string | null, message: string) => void;
type Row = Readonly<Record<string, unknown>>;

interface Open {
  readonly intent: IntentEntry;
  readonly further: string[];
  readonly index: number;
  /** The row of a request whose outcome is not known. */
  readonly row: Row | undefined;
}

/** The requests of one boot: those that are under way are remembered until their end. */
export class BootRows {
  readonly #worker: string;
  readonly #boot: string;
  readonly #tell: Tell;
  readonly #open = new Map<number, Open>();

  constructor(worker: string, boot: string, tell: Tell) {
    this.#worker = worker;
    this.#boot = boot;
    this.#tell = tell;
  }

  /** @param rowsFromMs rows of before are gone; undefined: entries come without rows */
  take({ index, line, row }: EntryLine, rowsFromMs: number | undefined): void {
    const entry = parsed(line);
    if (entry === undefined) return this.#tell('FORMAT', index, null, 'the entry is none that can be read');
    if (entry.kind === 'INTENT') return this.#begin(entry, index, row ?? undefined);
    const begun = entry.of === undefined ? undefined : this.#open.get(entry.of);
    if (entry.of !== undefined) this.#open.delete(entry.of);
    // Its intent lies before the start of this part: there is nothing to compare with.
    if (rowsFromMs === undefined || (entry.of !== undefined && begun === undefined)) return;
    const event =
      entry.of === undefined
        ? loneEvent(this.#worker, this.#boot, entry)
        : intendedEvent(this.#worker, this.#boot, (begun as Open).intent, entry);
    this.#compare(event, index, row ?? undefined, rowsFromMs);
  }

  /**
   * @param isEnded the boot is over: what has no outcome yet will never have one
   * @param isExplained whether something is wrong already with an entry from an index on: it may be the outcome that lacks
   */
  finish(rowsFromMs: number | undefined, isEnded: boolean, isExplained: (fromIndex: number) => boolean): void {
    if (rowsFromMs === undefined) return;
    for (const { intent, further, index, row } of this.#open.values())
      if (row !== undefined || (isEnded && !isExplained(index)))
        this.#compare(intendedEvent(this.#worker, this.#boot, intent, undefined, further), index, row, rowsFromMs);
  }

  #begin(entry: Extract<AuditEntry, { kind: 'INTENT' }>, index: number, row: Row | undefined): void {
    if (entry.of === undefined) this.#open.set(entry.sequence, { intent: entry, further: [], index, row });
    else this.#open.get(entry.of)?.further.push(...entry.secrets);
  }

  #compare(event: AuditEvent, index: number, row: Row | undefined, rowsFromMs: number): void {
    if (row === undefined) {
      if (event.timeMs >= rowsFromMs) this.#tell('ROW_MISSING', index, event.id, 'the list lacks the event');
      return;
    }
    const other = (Object.keys(event) as (keyof AuditEvent)[]).filter((name) => !isSame(name, event[name], row[name]));
    if (other.length > 0)
      this.#tell('ROW_ALTERED', index, event.id, `the list says something else: ${other.join(', ')}`);
  }
}

function parsed(line: string): AuditEntry | undefined {
  try {
    return readEntry(line);
  } catch {
    return undefined;
  }
}

/** The list keeps a latency as a float of 32 bits, and text without what PostgreSQL's text cannot hold. */
function isSame(name: keyof AuditEvent, entry: unknown, row: unknown): boolean {
  if (name === 'latencyMs') return Math.fround(Number(entry)) === Math.fround(Number(row));
  if (name === 'path' || name === 'findings') return stable(entry ?? null) === stable(row);
  return stable(entry ?? null, storable) === stable(row ?? null);
}

function storable(text: string): string {
  return text
    .replaceAll('\0', '\u{fffd}')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\u{fffd}');
}

/** JSON of a value that does not depend on the order of names. */
export function stable(value: unknown, text: (text: string) => string = (same) => same): string {
  if (typeof value === 'string') return JSON.stringify(text(value));
  if (Array.isArray(value)) return `[${value.map((item) => stable(item, text)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value as Row).filter(([, field]) => field !== undefined);
  return `{${fields
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${stable(field, text)}`)
    .join(',')}}`;
}
