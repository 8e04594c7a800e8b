import type { SecretSearch } from './secret-search.ts';

const noBytes: Buffer = Buffer.alloc(0);

/**
 * Takes one secret out of one stream of bytes. What goes in comes out at once, but for an end that a spelling of the secret
 * begins with: that waits for what follows. The result does not depend on where the stream was cut. Spellings that overlap
 * one another go whole, and one placeholder stands for all of them.
 */
export class StreamScrubber {
  readonly #search: SecretSearch;
  readonly #placeholder: Buffer;
  #held: Buffer = noBytes;
  /** How many bytes of `#held` belong to a spelling that was replaced already. */
  #coveredBytes = 0;
  /** How often the secret was found. */
  hits = 0;

  constructor(search: SecretSearch, placeholder: Buffer) {
    this.#search = search;
    this.#placeholder = placeholder;
  }

  /**
   * The next bytes of the stream; `isLast` when none follow. Gives what can go on, as views of what came in wherever
   * nothing had to be replaced: the same array when it can go on as it is.
   */
  push(chunks: readonly Buffer[], isLast: boolean): readonly Buffer[] {
    if (chunks.length === 1 && this.#held.length === 0) {
      const [chunk = noBytes] = chunks;
      if (this.#search.find(chunk, 0, isLast) === undefined) return chunks;
    }
    const out: Buffer[] = [];
    for (let index = 0; index < chunks.length; index++) {
      this.#take(chunks[index] as Buffer, isLast && index === chunks.length - 1, out);
    }
    if (isLast && chunks.length === 0) this.#take(noBytes, true, out);
    return out;
  }

  #take(chunk: Buffer, isLast: boolean, out: Buffer[]): void {
    const { maxBytes } = this.#search;
    const held = this.#held;
    if (held.length === 0) return this.#scan(chunk, isLast, out);
    if (chunk.length <= 2 * maxBytes) return this.#scan(Buffer.concat([held, chunk]), isLast, out);
    // A long chunk is not copied for a short beginning: what is open after the border lies within the chunk.
    this.#scan(Buffer.concat([held, chunk.subarray(0, maxBytes)]), false, out);
    this.#scan(chunk.subarray(maxBytes - this.#held.length), isLast, out);
  }

  /** Scans bytes whose first ones are those held until now. */
  #scan(text: Buffer, isLast: boolean, out: Buffer[]): void {
    /** All before it went out or was replaced. */
    let done = this.#coveredBytes;
    let found = this.#search.find(text, 0, isLast);
    while (found?.kind === 'hit') {
      const end = found.at + found.length;
      if (found.at >= done) {
        emit(text, done, found.at, out);
        out.push(this.#placeholder);
        this.hits++;
      }
      if (end > done) done = end;
      found = this.#search.find(text, found.at + 1, isLast);
    }
    const openAt = found === undefined ? text.length : found.at;
    emit(text, done, openAt, out);
    // A copy: a few bytes must not keep a whole read alive.
    this.#held = openAt === text.length ? noBytes : Buffer.from(text.subarray(openAt));
    this.#coveredBytes = Math.max(0, done - openAt);
  }
}

function emit(text: Buffer, from: number, to: number, out: Buffer[]): void {
  if (from < to) out.push(from === 0 && to === text.length ? text : text.subarray(from, to));
}
