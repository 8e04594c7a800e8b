import { hash } from 'node:crypto';

/** A block of SHA-256, which a message of HMAC stands after. */
export const hmacBlockBytes = 64;
const digestBytes = 32;

/**
 * HMAC-SHA-256 (RFC 2104) for whoever makes many: as two hashes over blocks that are made once, where an `Hmac` object each time
 * costs several times as much. The message is written into `room`, from `hmacBlockBytes` on.
 */
export class OneShotHmac {
  /** Key ⊕ ipad, the message. */
  #inner: Buffer;
  /** Key ⊕ opad, the inner hash. */
  readonly #outer: Buffer = Buffer.alloc(hmacBlockBytes + digestBytes);

  /** @param key of at most 64 bytes @param roomBytes for a message, to begin with */
  constructor(key: Buffer, roomBytes = 16 * 1024) {
    this.#inner = Buffer.alloc(hmacBlockBytes + roomBytes);
    if (key.length > hmacBlockBytes) throw new RangeError('The key of an HMAC is longer than a block of SHA-256');
    this.#inner.fill(0x36, 0, hmacBlockBytes);
    this.#outer.fill(0x5c, 0, hmacBlockBytes);
    for (const [index, byte] of key.entries()) {
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** Where a message of so many bytes is to be written, from `hmacBlockBytes` on. What was written before may be gone. */
  room(length: number): Buffer {
    const end = hmacBlockBytes + length;
    if (end > this.#inner.length) {
      const grown = Buffer.alloc(2 * end);
      this.#inner.copy(grown, 0, 0, hmacBlockBytes);
      this.#inner.fill(0);
      this.#inner = grown;
    }
    return this.#inner;
  }

  /** The MAC, in hex, of the so many bytes that were written into `room`. */
  hex(length: number): string {
    this.#outer.write(hash('sha256', this.#inner.subarray(0, hmacBlockBytes + length), 'hex'), hmacBlockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}
