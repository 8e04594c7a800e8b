import type { Cipher } from 'node:crypto';

const blockBytes = 32 * 1024;
const zeros = Buffer.alloc(blockBytes);
const wordBytes = 4;

/**
 * What a stream cipher lays over the bytes of a file, made ahead, a block at a time. A record is short: asking the cipher for each
 * costs several times what the cipher does, and makes a buffer each time.
 */
export class KeyStream {
  readonly #cipher: Cipher;
  #block: Buffer = zeros;
  #words = wordsOf(zeros);
  #at = blockBytes;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  /** Where in a buffer the next bytes have to start, so that they are taken a word at a time. */
  get phase(): number {
    return this.#at % wordBytes;
  }

  /** Lays the stream's next bytes over those of a buffer, from `phase` to `end`. @param words the same buffer */
  cover(bytes: Buffer, words: Int32Array, end: number): void {
    for (let at = this.phase; at < end; ) {
      if (this.#at === blockBytes) this.#next();
      const length = Math.min(end - at, blockBytes - this.#at);
      this.#coverWithin(bytes, words, at, length);
      this.#at += length;
      at += length;
    }
  }

  #coverWithin(bytes: Buffer, words: Int32Array, start: number, length: number): void {
    const block = this.#block;
    const shift = this.#at - start;
    const end = start + length;
    let at = start;
    for (; at < end && at % wordBytes !== 0; at++) bytes[at] = (bytes[at] as number) ^ (block[at + shift] as number);
    const wordShift = shift / wordBytes;
    const lastWord = Math.floor(end / wordBytes);
    let word = at / wordBytes;
    for (; word < lastWord; word++) words[word] = (words[word] as number) ^ (this.#words[word + wordShift] as number);
    at = Math.max(at, word * wordBytes);
    for (; at < end; at++) bytes[at] = (bytes[at] as number) ^ (block[at + shift] as number);
  }

  #next(): void {
    const made = this.#cipher.update(zeros);
    // Words are read at multiples of their length alone.
    this.#block = made.byteOffset % wordBytes === 0 ? made : Buffer.from(Uint8Array.from(made).buffer);
    this.#words = wordsOf(this.#block);
    this.#at = 0;
  }
}

/** @param bytes start at a multiple of four in their memory */
export function wordsOf(bytes: Buffer): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / wordBytes));
}
