/**
 * Looks for placeholders in a request body as it streams by (rule 5). A body is not a surface: a placeholder that stands
 * there as a value is refused. One within running text is a mention, as in a prompt that quotes a file: it is no
 * credential, is forwarded as it is, and is a finding. See docs/decisions/placeholders-in-bodies.md.
 */
const mark = Buffer.from('onecli');
/** The scheme as JSON, JSON with escaped slashes, and forms write it, after `onecli`. */
const spellings = [':\\/\\/', '://', '%3a%2f%2f'];
/** Enough of what went before to see the mark, its scheme and the character before it across a chunk border. */
const carriedBytes = 1 + mark.length + 9 + 256;
const before = new Set(['"', '=', '\n', '']);
const after = new Set(['"', '&', '\r', '']);

export type BodyVerdict = 'clean' | 'mention' | 'value';

/** Watches one body. Feed it every payload slice in order, then `end`. Memory: about 300 bytes. */
export class BodyWatch {
  #carried: Buffer = Buffer.alloc(0);
  #isAtStart = true;

  /** The verdict on what can be judged so far. */
  push(chunk: Buffer): BodyVerdict {
    const border = Buffer.concat([this.#carried, chunk.subarray(0, mark.length)]);
    const isPlain = border.indexOf(mark) === -1 && chunk.indexOf(mark) === -1;
    // Most chunks hold no mark: then only a few bytes are carried and nothing is copied.
    const text = isPlain && chunk.length > mark.length ? chunk : Buffer.concat([this.#carried, chunk]);
    if (text === chunk && this.#carried.length > 0) this.#isAtStart = false;
    const verdict = isPlain ? 'clean' : this.#judge(text, false);
    const keepFrom = keptFrom(text);
    this.#isAtStart &&= keepFrom === 0;
    this.#carried = Buffer.from(text.subarray(keepFrom));
    return verdict;
  }

  /** The verdict on what was still open when the body ended. */
  end(): BodyVerdict {
    return this.#judge(this.#carried, true);
  }

  #judge(text: Buffer, isEnd: boolean): BodyVerdict {
    let verdict: BodyVerdict = 'clean';
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + mark.length)) {
      const rest = text.toString('latin1', at + mark.length, at + mark.length + 9 + 256);
      const scheme = spellings.find((spelling) => rest.toLowerCase().startsWith(spelling));
      if (scheme === undefined) continue;
      const name =
        /^[a-z0-9._@-]*(?:(?:\/|\\\/|%2f)[a-z0-9._@-]*)?(?:%40[0-9]*)?/i.exec(rest.slice(scheme.length))?.[0] ?? '';
      const endsAt = scheme.length + name.length;
      if (endsAt >= rest.length && !isEnd) continue;
      const isFirst = at === 0 ? this.#isAtStart : false;
      const previous = at === 0 ? (isFirst ? '' : '?') : String.fromCharCode(text[at - 1] as number);
      if (before.has(previous) && after.has(rest[endsAt] ?? '')) return 'value';
      verdict = 'mention';
    }
    return verdict;
  }
}

/** What to keep for the next chunk: from just before the last mark that is still open, or a mark that may be cut. */
function keptFrom(text: Buffer): number {
  const open = text.lastIndexOf(mark);
  if (open !== -1 && text.length - open < carriedBytes) return Math.max(0, open - 1);
  return Math.max(0, text.length - mark.length - 1);
}
