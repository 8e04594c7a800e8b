/**
 * A text without the breaks that writers of base64 put into it every 60 to 76 characters (RFC 2045 6.8, RFC 7468): line feeds,
 * with a carriage return or not, as they are or escaped within a JSON string. A spelling that is broken is whole in it.
 */
export class UnfoldedText {
  readonly bytes: Buffer;
  /** Where breaks stood: from `at` on the text is `skipped` bytes ahead of this one. */
  readonly #breaks: readonly Break[];

  constructor(bytes: Buffer, breaks: readonly Break[]) {
    this.bytes = bytes;
    this.#breaks = breaks;
  }

  /** The place in the text of the byte at `at` of this one. */
  originOf(at: number): number {
    let [low, high] = [0, this.#breaks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#breaks[middle] as Break).at <= at) low = middle + 1;
      else high = middle;
    }
    return at + (low === 0 ? 0 : (this.#breaks[low - 1] as Break).skipped);
  }
}

interface Break {
  readonly at: number;
  readonly skipped: number;
}

/** A line that is shorter ahead of its break is none of base64 that was broken. */
export const minLineBytes = 32;
export const maxBreakBytes = 4;

const [lineFeed, carriageReturn, backslash, letterN, letterR] = [0x0a, 0x0d, 0x5c, 0x6e, 0x72];
const isBase64 = new Uint8Array(256);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=')
  isBase64[char.charCodeAt(0)] = 1;

/**
 * Undefined when there is no such break. With `isLast` nothing follows the text: a break at its very end is none.
 * @param runBytes how many bytes of base64 stood right ahead of the text, as `baseRunAt` tells
 */
export function unfold(text: Buffer, isLast: boolean, runBytes: number): UnfoldedText | undefined {
  const spans = breaksOf(text, isLast, runBytes);
  if (!spans) return undefined;
  const pieces: Buffer[] = [];
  const breaks: Break[] = [];
  let done = 0;
  let skipped = 0;
  for (const { start, end } of spans) {
    pieces.push(text.subarray(done, start));
    skipped += end - start;
    breaks.push({ at: end - skipped, skipped });
    done = end;
  }
  pieces.push(text.subarray(done));
  return new UnfoldedText(Buffer.concat(pieces), breaks);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const escapedLineFeed = Buffer.from('\\n');

/** False where there is no line feed, be it escaped, and none begins at the text's end. Most answers of APIs are one line. */
function mayHaveBreaks(text: Buffer): boolean {
  if (text.indexOf(lineFeed) !== -1 || text.indexOf(escapedLineFeed) !== -1) return true;
  for (let at = Math.max(0, text.length - maxBreakBytes); at < text.length; at++)
    if (text[at] === carriageReturn || text[at] === backslash) return true;
  return false;
}

/** Lines of base64 are long: one byte in `minLineBytes` is looked at, and its neighbours where it may be within one. */
function breaksOf(text: Buffer, isLast: boolean, runBytes: number): Span[] | undefined {
  if (!mayHaveBreaks(text)) return undefined;
  const { length } = text;
  let spans: Span[] | undefined;
  let lineStart = -runBytes;
  for (let probe = 0; probe < length; probe += minLineBytes) {
    if (isBase64[text[probe] as number] === 0) {
      lineStart = probe + 1;
      continue;
    }
    let end = probe + 1;
    while (end < length && isBase64[text[end] as number] === 1) end++;
    let start = probe;
    while (start > lineStart && isBase64[text[start - 1] as number] === 1) start--;
    if (start === 0) start = -runBytes;
    if (end - start >= minLineBytes) {
      const goesOnAt = endOfBreak(text, end, isLast);
      if (goesOnAt !== undefined) (spans ??= []).push({ start: end, end: goesOnAt });
    }
    probe = end;
    lineStart = end + 1;
  }
  return spans;
}

/** Where the line goes on whose break begins at `at`; undefined where there is none. At the text's end what follows will tell. */
function endOfBreak(text: Buffer, at: number, isLast: boolean): number | undefined {
  const { length } = text;
  let end = at;
  const [first, second] = text[at] === backslash ? [letterR, letterN] : [carriageReturn, lineFeed];
  const isEscaped = first === letterR;
  for (const letter of [first, second]) {
    const letterAt = isEscaped ? end + 1 : end;
    const isPart = letterAt >= length && (end === length || text[end] === backslash);
    if (isPart) return isLast || at === length ? undefined : length;
    if (text[letterAt] === letter && (!isEscaped || text[end] === backslash)) end = letterAt + 1;
    else if (letter === second) return undefined;
  }
  if (end === length) return isLast ? undefined : length;
  return isBase64[text[end] as number] === 1 ? end : undefined;
}

/** How many bytes of base64 stand right ahead of `end`, counted up to `minLineBytes`; `runBytes` more stood ahead of the text. */
export function baseRunAt(text: Buffer, end: number, runBytes: number): number {
  const first = Math.max(0, end - minLineBytes);
  for (let at = end - 1; at >= first; at--) if (isBase64[text[at] as number] === 0) return end - 1 - at;
  return Math.min(minLineBytes, first === 0 ? end + runBytes : minLineBytes);
}
