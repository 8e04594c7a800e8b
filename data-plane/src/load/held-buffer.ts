import type { HeldBytes } from './held-bytes.ts';

const noBytes: Buffer = Buffer.alloc(0);
const leastBytes = 1024;

/**
 * What is held of one body or message until it is whole, counted among what others hold. It is one piece of memory, however many
 * pieces it comes in: a thousand pieces of a byte would take a hundred times what is counted.
 */
export class HeldBuffer {
  readonly #heldIn: HeldBytes;
  /** As long as what is held, or longer. */
  #buffer: Buffer = noBytes;
  #bytes = 0;

  constructor(heldIn: HeldBytes) {
    this.#heldIn = heldIn;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All that is held. It still counts. */
  get whole(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /** Holds more, which is then not to be changed. False, and nothing more held, when there is no room for it. */
  push(piece: Buffer): boolean {
    if (piece.length === 0) return true;
    if (!this.#heldIn.take(piece.length)) return false;
    // Most come in one piece, which is not copied.
    if (this.#bytes === 0) this.#buffer = piece;
    else this.#append(piece);
    this.#bytes += piece.length;
    return true;
  }

  /** Nothing is held any more. */
  letGo(): void {
    this.#heldIn.give(this.#bytes);
    this.#bytes = 0;
    this.#buffer = noBytes;
  }

  #append(piece: Buffer): void {
    const bytes = this.#bytes + piece.length;
    if (bytes > this.#buffer.length) {
      const longer = Buffer.allocUnsafeSlow(Math.max(leastBytes, 2 * bytes));
      longer.set(this.whole);
      this.#buffer = longer;
    }
    this.#buffer.set(piece, this.#bytes);
  }
}
