import { inspect } from 'node:util';
import type { SecretValue } from '@onecli/shared/secret-value';
import { spellingsOf } from './spellings.ts';

/** What a search came upon: a whole spelling, or the beginning of one at the text's end that further bytes may complete. */
export type Found =
  | { readonly kind: 'hit'; readonly at: number; readonly length: number }
  | { readonly kind: 'open'; readonly at: number };

const tableBits = 12;
const tableMask = (1 << tableBits) - 1;
const blockBytes = 3;
/** Of each spelling so much is looked for; the rest is compared. More would hardly let the search skip farther. */
const maxWindowBytes = 64;

/**
 * Finds every spelling of one secret in one pass (Wu and Manber, 1994): the last three bytes of a window as wide as the
 * shortest spelling tell how far it can move on without missing one, which is nearly its width on most text. Memory: 4 KB
 * and the spellings. Prints nothing of what it holds.
 */
export class SecretSearch {
  /** Of a spelling, at most. */
  readonly maxBytes: number;
  /** Of a spelling, at least; 0 when the secret is too short to be searched for. */
  readonly minBytes: number;
  readonly #windowBytes: number;
  readonly #shifts = new Uint8Array(1 << tableBits);
  /** By the last block of their window, longest first. */
  readonly #byBlock = new Map<number, Buffer[]>();
  readonly #byFirstByte = new Map<number, Buffer[]>();
  readonly #isFirstByte = new Uint8Array(256);

  private constructor(spellings: readonly Buffer[]) {
    this.maxBytes = spellings[0]?.length ?? 0;
    this.minBytes = spellings.at(-1)?.length ?? 0;
    this.#windowBytes = Math.min(this.minBytes, maxWindowBytes);
    this.#shifts.fill(Math.max(0, this.#windowBytes - blockBytes + 1));
    for (const spelling of spellings) this.#add(spelling);
  }

  /** The search for a secret. Compiled in some 100 µs and remembered beside the value, as long as that lives and is in use. */
  static of(value: SecretValue): SecretSearch {
    const known = recent.get(value) ?? older.get(value);
    const search = known ?? new SecretSearch(spellingsOf(Buffer.from(value.reveal(), 'utf8')));
    if (!recent.has(value)) remember(value, search);
    return search;
  }

  /**
   * The first spelling that begins at `from` or later, the longest of those that begin there. With `isLast` the text ends
   * where the stream ends and nothing stays open. Undefined: nothing of the text from `from` on can be part of one.
   */
  find(text: Buffer, from: number, isLast: boolean): Found | undefined {
    const windowBytes = this.#windowBytes;
    if (windowBytes === 0) return undefined;
    const shifts = this.#shifts;
    const { length } = text;
    let end = from + windowBytes - 1;
    while (end < length) {
      const block = blockAt(text, end);
      const shift = shifts[block] as number;
      if (shift === 0) {
        const found = this.#judge(text, end - windowBytes + 1, block, isLast);
        if (found !== undefined) return found;
        end++;
      } else end += shift;
    }
    return isLast ? undefined : this.#openEnd(text, Math.max(from, length - windowBytes + 1));
  }

  [inspect.custom](): string {
    return '[search]';
  }

  #add(spelling: Buffer): void {
    for (let end = blockBytes - 1; end < this.#windowBytes; end++) {
      const block = blockAt(spelling, end);
      const shift = this.#windowBytes - 1 - end;
      if (shift < (this.#shifts[block] as number)) this.#shifts[block] = shift;
      if (shift === 0) append(this.#byBlock, block, spelling);
    }
    const [firstByte = 0] = spelling;
    append(this.#byFirstByte, firstByte, spelling);
    this.#isFirstByte[firstByte] = 1;
  }

  #judge(text: Buffer, at: number, block: number, isLast: boolean): Found | undefined {
    for (const spelling of this.#byBlock.get(block) ?? []) {
      if (!beginsAt(text, at, spelling)) continue;
      if (at + spelling.length <= text.length) return { kind: 'hit', at, length: spelling.length };
      if (!isLast) return { kind: 'open', at };
    }
    return undefined;
  }

  /** The longest end of the text that a spelling begins with, if it is shorter than the window. */
  #openEnd(text: Buffer, from: number): Found | undefined {
    for (let at = from; at < text.length; at++) {
      const byte = text[at] as number;
      if (this.#isFirstByte[byte] === 0) continue;
      if (this.#byFirstByte.get(byte)?.some((spelling) => beginsAt(text, at, spelling))) return { kind: 'open', at };
    }
    return undefined;
  }
}

function blockAt(bytes: Buffer, end: number): number {
  return (((bytes[end] as number) << 6) ^ ((bytes[end - 1] as number) << 3) ^ (bytes[end - 2] as number)) & tableMask;
}

function append(lists: Map<number, Buffer[]>, key: number, spelling: Buffer): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [spelling]);
  else list.push(spelling);
}

/** Whether the text goes on at `at` as the spelling does, as far as both go. */
function beginsAt(text: Buffer, at: number, spelling: Buffer): boolean {
  const length = Math.min(spelling.length, text.length - at);
  for (let offset = 0; offset < length; offset++) if (text[at + offset] !== spelling[offset]) return false;
  return true;
}

/** Two generations, so that a worker that uses many thousands of secrets holds the searches of those in use alone. */
const maxRecent = 512;
let recent = new WeakMap<SecretValue, SecretSearch>();
let older = new WeakMap<SecretValue, SecretSearch>();
let recentCount = 0;

function remember(value: SecretValue, search: SecretSearch): void {
  if (recentCount === maxRecent) {
    older = recent;
    recent = new WeakMap();
    recentCount = 0;
  }
  recent.set(value, search);
  recentCount++;
}
