import { createDeflateRaw, constants, type DeflateRaw } from 'node:zlib';

const tailBytes = 4;
const empty = Buffer.alloc(0);
/** RFC 7692 7.2.3.6. */
const emptyMessage = Buffer.from([0x00]);
/** zlib has no window of 256 bytes; what is stored and not compressed needs no window. */
const smallestWindowBits = 9;

export interface DeflaterOptions {
  /** Of the window that the receiver keeps, 8 to 15. */
  readonly maxWindowBits: number;
  /** Each message begins with an empty window. */
  readonly noContextTakeover: boolean;
}

/** One direction's compressor (RFC 7692 7.2.1), which keeps its window from message to message. One call at a time. */
export class MessageDeflater {
  readonly #stream: DeflateRaw;
  readonly #noContextTakeover: boolean;
  #pieces: Buffer[] = [];
  /** The end of what was flushed last: sent ahead of more, left out at a message's end. */
  #held: Buffer = empty;
  #isEmptyMessage = true;
  #isClosed = false;

  constructor({ maxWindowBits, noContextTakeover }: DeflaterOptions) {
    this.#noContextTakeover = noContextTakeover;
    this.#stream = createDeflateRaw({
      windowBits: Math.max(maxWindowBits, smallestWindowBits),
      level: maxWindowBits < smallestWindowBits ? constants.Z_NO_COMPRESSION : constants.Z_BEST_SPEED,
      memLevel: 8,
    });
    this.#stream.on('data', (piece: Buffer) => this.#pieces.push(piece));
  }

  /** The next payload of a message, compressed: a whole message, or as much of it as can be read by itself. */
  async deflate(payload: Buffer, isMessageEnd: boolean): Promise<Buffer> {
    if (payload.length > 0) this.#isEmptyMessage = false;
    const flushed = payload.length > 0 ? await this.#flush(payload) : empty;
    const compressed = Buffer.concat([this.#held, flushed]);
    const cut = Math.max(0, compressed.length - tailBytes);
    this.#held = isMessageEnd ? empty : compressed.subarray(cut);
    if (!isMessageEnd) return compressed.subarray(0, cut);
    const isEmptyMessage = this.#isEmptyMessage;
    this.#isEmptyMessage = true;
    if (this.#noContextTakeover && !this.#isClosed) this.#stream.reset();
    return isEmptyMessage ? Buffer.from(emptyMessage) : compressed.subarray(0, cut);
  }

  /** Whoever waits gets what there is: nobody sends it any more. */
  close(): void {
    this.#isClosed = true;
    this.#stream.close();
  }

  #flush(payload: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#stream.off('close', settle);
        const flushed = Buffer.concat(this.#pieces);
        this.#pieces = [];
        resolve(flushed);
      };
      this.#stream.once('close', settle);
      this.#stream.write(payload);
      this.#stream.flush(constants.Z_SYNC_FLUSH, settle);
    });
  }
}
