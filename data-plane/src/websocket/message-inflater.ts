import { createInflateRaw, constants, type InflateRaw } from 'node:zlib';

/** What a message's last deflate block was stripped of (RFC 7692 7.2.1). */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const windowBytes = 32 * 1024;
/** A final block ends zlib's stream, and the next needs a new one: a sender may do that, and not all the time. */
const maxStreamsPerMessage = 16;

/** What was compressed cannot be read: it is not deflate data. */
export class NotDeflateData extends Error {}

/**
 * One direction's decompressor (RFC 7692 7.2.2), which keeps its window from message to message. It gives what it finds in
 * pieces of at most 16 KiB and goes on when they are taken, so that no message, however small, can fill the memory.
 */
export class MessageInflater {
  #stream: InflateRaw | undefined;
  /** The last bytes given: a new stream begins with them as its window. */
  #window: Buffer = Buffer.alloc(0);
  #fault: Error | undefined;
  #wake: (() => void) | undefined;
  #streamsOfMessage = 0;
  #isClosed = false;

  /** The payload of a compressed message, in order. Throws NotDeflateData. */
  async *inflate(payload: Buffer, isMessageEnd: boolean): AsyncGenerator<Buffer> {
    for (const input of isMessageEnd ? [payload, tail] : [payload]) {
      if (input.length > 0) yield* this.#feed(input);
    }
    if (isMessageEnd) this.#streamsOfMessage = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
    this.#wake?.();
  }

  async *#feed(input: Buffer): AsyncGenerator<Buffer> {
    let rest = input;
    while (rest.length > 0 && !this.#isClosed) {
      const stream = (this.#stream ??= this.#open());
      const before = stream.bytesWritten;
      const writing = { isDone: false };
      stream.write(rest, () => {
        writing.isDone = true;
        this.#wake?.();
      });
      yield* this.#take(stream, writing);
      rest = rest.subarray(stream.bytesWritten - before);
      // It takes all that it is given until a final block: what follows that is for a new one.
      if (rest.length > 0) this.#drop();
    }
  }

  /** What the stream gives until it has used what was written to it, or has ended. */
  async *#take(stream: InflateRaw, writing: { readonly isDone: boolean }): AsyncGenerator<Buffer> {
    while (!this.#isClosed) {
      if (this.#fault) throw new NotDeflateData('not deflate data', { cause: this.#fault });
      const wasDone = writing.isDone;
      const piece = stream.read() as Buffer | null;
      if (piece !== null) {
        this.#remember(piece);
        yield piece;
      } else if (wasDone) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #open(): InflateRaw {
    if (++this.#streamsOfMessage > maxStreamsPerMessage) throw new NotDeflateData('too many final blocks in a message');
    const window = this.#window.length > 0 ? { dictionary: this.#window } : {};
    const stream = createInflateRaw({ flush: constants.Z_SYNC_FLUSH, ...window });
    const wake = (): void => this.#wake?.();
    stream.on('readable', wake);
    stream.on('error', (error) => {
      this.#fault = error;
      wake();
    });
    return stream;
  }

  #remember(piece: Buffer): void {
    const kept = piece.length >= windowBytes ? piece : Buffer.concat([this.#window, piece]);
    this.#window = kept.subarray(Math.max(0, kept.length - windowBytes));
  }

  #drop(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }
}
