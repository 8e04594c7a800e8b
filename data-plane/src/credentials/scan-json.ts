/**
 * A strict reading of JSON (RFC 8259) that tells where each string stands, so that one of them can be replaced and every
 * other byte stays as it is. The text is latin1, one character for each octet of UTF-8.
 */
export interface JsonString {
  /** Within the quotes: [start, end). */
  readonly start: number;
  readonly end: number;
  /** A member's name, not a value. */
  readonly isName: boolean;
  /** The names and indexes that lead to it; valid during the call. */
  readonly place: readonly (string | number)[];
}

/** What of a whole text was found out. */
export type JsonScan =
  | { readonly kind: 'json' /** Some object has two members of one name. */; readonly hasRepeatedName: boolean }
  | { readonly kind: 'fault' };

const maxDepth = 256;
const blank = /[ \t\n\r]*/y;
const escape = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const QUOTE = 34;
const BACKSLASH = 92;
const scalar = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9.+-])/y;

/** Reads a whole text and calls `onString` for each string in it, in order. */
export function scanJson(text: string, onString: (string: JsonString) => void): JsonScan {
  const scanner = new Scanner(text, onString);
  return scanner.readAll() ? { kind: 'json', hasRepeatedName: scanner.hasRepeatedName } : { kind: 'fault' };
}

/** The text of a string as it is meant, and where each of its characters stands in the raw one. */
export function decodeJsonString(raw: string): { readonly text: string; readonly rawAt: readonly number[] } {
  let text = '';
  const rawAt: number[] = [];
  let at = 0;
  while (at < raw.length) {
    rawAt.push(at);
    if (raw[at] !== '\\') {
      text += raw[at++] ?? '';
      continue;
    }
    const isUnicode = raw[at + 1] === 'u';
    const end = at + (isUnicode ? 6 : 2);
    text += isUnicode
      ? String.fromCharCode(Number.parseInt(raw.slice(at + 2, end), 16))
      : (escapes[raw[at + 1] ?? ''] ?? '');
    at = end;
  }
  rawAt.push(raw.length);
  return { text, rawAt };
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Scanner {
  hasRepeatedName = false;
  readonly #text: string;
  readonly #onString: (string: JsonString) => void;
  readonly #place: (string | number)[] = [];
  /** For each open object the names seen in it; undefined for an open array. */
  readonly #open: (Set<string> | undefined)[] = [];
  #at = 0;

  constructor(text: string, onString: (string: JsonString) => void) {
    this.#text = text;
    this.#onString = onString;
  }

  readAll(): boolean {
    do {
      if (!this.#readValue()) return false;
    } while (this.#open.length > 0);
    this.#skip(blank);
    return this.#at === this.#text.length;
  }

  /** Reads a value, or the start of one that holds others, and then all closers and commas up to the next value. */
  #readValue(): boolean {
    this.#skip(blank);
    const character = this.#text[this.#at];
    if (character === '{' || character === '[') return this.#openOne(character === '{');
    const isRead = character === '"' ? this.#readString(false) !== undefined : this.#skip(scalar);
    return isRead && this.#goOn();
  }

  #openOne(isObject: boolean): boolean {
    if (this.#open.length === maxDepth) return false;
    this.#at++;
    this.#open.push(isObject ? new Set() : undefined);
    this.#place.push(0);
    this.#skip(blank);
    if (this.#text[this.#at] === (isObject ? '}' : ']')) return this.#goOn();
    return !isObject || this.#readName();
  }

  /** After a value: closes what ends here, and goes over one comma to the next value. */
  #goOn(): boolean {
    while (this.#open.length > 0) {
      this.#skip(blank);
      const names = this.#open.at(-1);
      const character = this.#text[this.#at++];
      if (character === ',') {
        if (names !== undefined) return this.#readName();
        this.#place.push(Number(this.#place.pop()) + 1);
        return true;
      }
      if (character !== (names === undefined ? ']' : '}')) return false;
      this.#open.pop();
      this.#place.pop();
    }
    return true;
  }

  #readName(): boolean {
    this.#skip(blank);
    if (this.#text[this.#at] !== '"') return false;
    this.#place.pop();
    const name = this.#readString(true);
    this.#skip(blank);
    if (name === undefined || this.#text[this.#at++] !== ':') return false;
    const names = this.#open.at(-1);
    if (names?.has(name)) this.hasRepeatedName = true;
    names?.add(name);
    this.#place.push(name);
    return true;
  }

  /** Gives a name's text; nothing for a value's. Undefined for what is no string. */
  #readString(isName: boolean): string | undefined {
    const start = ++this.#at;
    if (!this.#skipStringBody()) return undefined;
    const end = this.#at - 1;
    this.#onString({ start, end, isName, place: this.#place });
    if (!isName) return '';
    const raw = this.#text.slice(start, end);
    const text = /[\x80-\xff]/.test(raw) ? Buffer.from(raw, 'latin1').toString('utf8') : raw;
    return raw.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  /** Goes to behind the closing quote. Control characters stand escaped only (section 7). */
  #skipStringBody(): boolean {
    for (;;) {
      const octet = this.#text.charCodeAt(this.#at++);
      if (octet === QUOTE) return true;
      if (octet === BACKSLASH) {
        if (!this.#skip(escape)) return false;
      } else if (!(octet >= 32)) return false;
    }
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
