/**
 * Looks for placeholders in a request body as it streams by (rule 5). A body is not a surface: a placeholder that stands
 * there as a value is refused. One within running text is a mention, as in a prompt that quotes a file: it is no
 * credential, is forwarded as it is, and is a finding. See docs/decisions/placeholders-in-bodies.md.
 */
import { maxAliasPrefixLength, placeholderMark } from '@onecli/shared/domain/placeholder';

const mark = Buffer.from(placeholderMark);
/** So far ahead of the mark an alias may begin, and one octet more is what it follows. */
const keptAhead = maxAliasPrefixLength + 1;
/** The scheme as JSON, JSON with escaped slashes, and forms write it, after `onecli`; and what an alias has there. */
const spellings = [':\\/\\/', '://', '%3a%2f%2f', '7x'];
/** What may follow the mark and still be judged: longer than any scheme, name and version. */
const maxRestBytes = 9 + 256;
const jsonQuote = '"';
const before = new Set(['=', '\n', '']);
const after = new Set(['&', '\r', '']);
/** A name ends at one of these when more bytes follow; the text's end may have cut the rest off. */
const cutEscape = /^(?:%[24]?|\\)$/;
const nameAndVersion = /^[a-z0-9._@-]*(?:(?:\/|\\\/|%2f)[a-z0-9._@-]*)?(?:%40[0-9]*)?/;

const aliasOctet = /[A-Za-z0-9_-]/;

export type BodyVerdict = 'clean' | 'mention' | 'value';

interface Judged {
  readonly verdict: BodyVerdict;
  /** Where the mark stands that only further bytes can settle. */
  readonly openAt: number | undefined;
}

/** Watches one body. Feed it every payload slice in order, then `end`. Memory: about 350 bytes. */
export class BodyWatch {
  #carried: Buffer = Buffer.alloc(0);
  /** What of the carried bytes was judged already, and stands there only as what the rest follows. */
  #judgedBytes = 0;

  /** The verdict on what can be judged so far. */
  push(chunk: Buffer): BodyVerdict {
    const border = Buffer.concat([this.#carried, chunk.subarray(0, mark.length)]);
    const isPlain = border.indexOf(mark) === -1 && chunk.indexOf(mark) === -1;
    // Most chunks hold no mark: then only a few bytes are carried and nothing is copied.
    const isLong = chunk.length >= keptAhead + mark.length;
    const text = isPlain && isLong ? chunk : Buffer.concat([this.#carried, chunk]);
    const { verdict, openAt }: Judged = isPlain ? { verdict: 'clean', openAt: undefined } : this.#judge(text, false);
    // From ahead of an open mark, or of a mark that may be cut: only the body's start has less ahead.
    const openFrom = Math.max(0, openAt ?? text.length - mark.length + 1);
    const keepFrom = Math.max(0, openFrom - keptAhead);
    this.#judgedBytes = openFrom - keepFrom;
    this.#carried = Buffer.from(text.subarray(keepFrom));
    return verdict;
  }

  /** The verdict on what was still open when the body ended. */
  end(): BodyVerdict {
    return this.#judge(this.#carried, true).verdict;
  }

  #judge(text: Buffer, isEnd: boolean): Judged {
    let verdict: BodyVerdict = 'clean';
    for (let at = text.indexOf(mark, this.#judgedBytes); at !== -1; at = text.indexOf(mark, at + mark.length)) {
      const { rest, length } = restAfter(text, at + mark.length, isEnd);
      if (length === 'open') return { verdict, openAt: at };
      if (length === 'none') continue;
      const previous = octetAhead(text, rest.startsWith(':') || rest.startsWith('%') ? at : aliasStart(text, at));
      if (standsAlone(previous, rest[length] ?? '')) return { verdict: 'value', openAt: undefined };
      verdict = 'mention';
    }
    return { verdict, openAt: undefined };
  }
}

/** The octet ahead of an offset; nothing at the body's start. */
function octetAhead(text: Buffer, at: number): string {
  return at > 0 ? String.fromCharCode(text[at - 1] as number) : '';
}

/** Where an alias begins whose mark stands at an offset: its prefix is ahead. */
function aliasStart(text: Buffer, at: number): number {
  const earliest = Math.max(0, at - maxAliasPrefixLength);
  let start = at;
  while (start > earliest && aliasOctet.test(octetAhead(text, start))) start--;
  return start;
}

/** What follows a mark: a little of it, which settles most, or as much as a placeholder can be long. */
function restAfter(text: Buffer, from: number, isEnd: boolean): { rest: string; length: number | 'open' | 'none' } {
  const little = text.toString('latin1', from, from + 48).toLowerCase();
  const length = placeholderLength(little, false);
  if (length !== 'open') return { rest: little, length };
  const rest = text.toString('latin1', from, from + maxRestBytes).toLowerCase();
  return { rest, length: placeholderLength(rest, isEnd) };
}

/** How far a placeholder goes in what follows the mark. `open`: further bytes may change it. */
function placeholderLength(rest: string, isEnd: boolean): number | 'open' | 'none' {
  const isCut = !isEnd && rest.length < maxRestBytes;
  const scheme = spellings.find((spelling) => rest.startsWith(spelling));
  if (scheme === undefined) return isCut && spellings.some((spelling) => spelling.startsWith(rest)) ? 'open' : 'none';
  const name = nameAndVersion.exec(rest.slice(scheme.length))?.[0] ?? '';
  const length = scheme.length + name.length;
  if (length === maxRestBytes) return 'none';
  return isCut && (length === rest.length || cutEscape.test(rest.slice(length))) ? 'open' : length;
}

/** A JSON string of its own, or a form's or a part's whole value. */
function standsAlone(previous: string, next: string): boolean {
  return previous === jsonQuote ? next === jsonQuote : before.has(previous) && after.has(next);
}
