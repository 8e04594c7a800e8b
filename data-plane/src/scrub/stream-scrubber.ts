import type { Found, SecretSearch } from './secret-search.ts';
import { baseRunAt, maxBreakBytes, minLineBytes, unfold, type UnfoldedText } from './unfolded-text.ts';

const noBytes: Buffer = Buffer.alloc(0);

/** What is looked for, and what stands in its place. */
export interface Sought {
  readonly search: SecretSearch;
  readonly placeholder: Buffer;
}

/** A search at the place that it has come to in a text. */
interface Cursor<What extends Sought> {
  readonly sought: What;
  readonly next: (from: number) => Found | undefined;
  found: Found | undefined;
}

/**
 * Takes secrets out of one stream of bytes, all of them in one go: of secrets that overlap in it no byte goes on. What goes in
 * comes out at once, but for an end that a spelling of a secret begins with: that waits for what follows. The result does not
 * depend on where the stream was cut. Spellings that overlap one another go whole, and the placeholder of the first, the
 * longest of those that begin at one place, stands for all of them.
 */
export class StreamScrubber<What extends Sought> {
  readonly #onFound: (sought: What) => void;
  #sought: readonly What[];
  #maxBytes = 0;
  #held: Buffer = noBytes;
  /** How many bytes of `#held` belong to a spelling that was replaced already. */
  #coveredBytes = 0;
  /** How many bytes of base64 went on or were replaced right ahead of `#held`. */
  #runBytes = 0;

  /** @param onFound called at least once for each that was found, when its place in the stream is reached */
  constructor(sought: readonly What[], onFound: (sought: What) => void) {
    this.#onFound = onFound;
    this.#sought = [];
    this.seek(sought);
  }

  /** Looks for these from here on, in what waits too. */
  seek(sought: readonly What[]): void {
    this.#sought = sought;
    const longest = Math.max(0, ...sought.map(({ search }) => search.maxBytes));
    this.#maxBytes = longest + maxBreakBytes * (Math.ceil(longest / minLineBytes) + 1);
  }

  /**
   * The next bytes of the stream; `isLast` when none follow. Gives what can go on, as views of what came in wherever
   * nothing had to be replaced: the same array when it can go on as it is.
   */
  push(chunks: readonly Buffer[], isLast: boolean): readonly Buffer[] {
    if (chunks.length === 1 && this.#held.length === 0) {
      const [chunk = noBytes] = chunks;
      if (this.#cursors(chunk, isLast).length === 0) {
        this.#runBytes = baseRunAt(chunk, chunk.length, this.#runBytes);
        return chunks;
      }
    }
    const out: Buffer[] = [];
    for (let index = 0; index < chunks.length; index++) {
      this.#take(chunks[index] as Buffer, isLast && index === chunks.length - 1, out);
    }
    if (isLast && chunks.length === 0) this.#take(noBytes, true, out);
    return out;
  }

  #take(chunk: Buffer, isLast: boolean, out: Buffer[]): void {
    const held = this.#held;
    const maxBytes = Math.max(this.#maxBytes, held.length);
    if (held.length === 0) return this.#scan(chunk, isLast, out);
    if (chunk.length <= 2 * maxBytes) return this.#scan(Buffer.concat([held, chunk]), isLast, out);
    // A long chunk is not copied for a short beginning: what is open after the border lies within the chunk.
    this.#scan(Buffer.concat([held, chunk.subarray(0, maxBytes)]), false, out);
    this.#scan(chunk.subarray(maxBytes - this.#held.length), isLast, out);
  }

  /** Scans bytes whose first ones are those held until now. */
  #scan(text: Buffer, isLast: boolean, out: Buffer[]): void {
    const cursors = this.#cursors(text, isLast);
    /** All before it went out or was replaced. */
    let done = this.#coveredBytes;
    let openAt = text.length;
    for (let first = firstOf(cursors); first?.found; first = firstOf(cursors)) {
      const { found, sought } = first;
      if (found.kind === 'open') {
        openAt = found.at;
        break;
      }
      if (found.at >= done) {
        emit(text, done, found.at, out);
        out.push(sought.placeholder);
      }
      this.#onFound(sought);
      done = Math.max(done, found.at + found.length);
      first.found = first.next(found.at + 1);
    }
    emit(text, done, openAt, out);
    // A copy: a few bytes must not keep a whole read alive.
    this.#held = openAt === text.length ? noBytes : Buffer.from(text.subarray(openAt));
    this.#coveredBytes = Math.max(0, done - openAt);
    this.#runBytes = baseRunAt(text, openAt, this.#runBytes);
  }

  /** Of all searches those that found something, in the text and in what it is without its line breaks. */
  #cursors(text: Buffer, isLast: boolean): readonly Cursor<What>[] {
    let cursors: Cursor<What>[] | undefined;
    const unfolded = unfold(text, isLast, this.#runBytes);
    for (const sought of this.#sought) {
      const { search } = sought;
      const found = search.find(text, 0, isLast);
      if (found) (cursors ??= []).push({ sought, found, next: (from) => search.find(text, from, isLast) });
      if (!unfolded) continue;
      const next = unfoldedSearch(search, unfolded, isLast);
      const foundUnfolded = next();
      if (foundUnfolded) (cursors ??= []).push({ sought, found: foundUnfolded, next });
    }
    return cursors ?? none;
  }
}

const none: readonly never[] = [];

/** The search in a text without its breaks; what it finds is told by its place in the text. */
function unfoldedSearch(search: SecretSearch, unfolded: UnfoldedText, isLast: boolean): () => Found | undefined {
  let from = 0;
  return () => {
    const found = search.find(unfolded.bytes, from, isLast);
    if (!found) return undefined;
    from = found.at + 1;
    const at = unfolded.originOf(found.at);
    if (found.kind === 'open') return { kind: 'open', at };
    return { kind: 'hit', at, length: unfolded.originOf(found.at + found.length - 1) + 1 - at };
  };
}

/** The one that found something first; of several at one place the one that is open, then the longest. */
function firstOf<What extends Sought>(cursors: readonly Cursor<What>[]): Cursor<What> | undefined {
  let first: Cursor<What> | undefined;
  for (const cursor of cursors)
    if (cursor.found && (!first?.found || isAhead(cursor.found, first.found))) first = cursor;
  return first;
}

function isAhead(one: Found, other: Found): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.kind === 'open' || other.kind === 'open') return one.kind === 'open';
  return one.length > other.length;
}

function emit(text: Buffer, from: number, to: number, out: Buffer[]): void {
  if (from < to) out.push(from === 0 && to === text.length ? text : text.subarray(from, to));
}
