import type { Socket } from 'node:net';
import type { HeadLimits, Parsed, WireFault } from '../wire/head.ts';

/** Bytes, or how the stream ended: `end` by the peer's close, `lost` by anything else. */
export type ReadResult = Buffer | 'end' | 'lost';

/**
 * Pulls bytes off a socket: reads ahead up to a bound, then pauses the peer. The only owner of the socket's data
 * events until it is detached.
 */
export class SocketReader {
  readonly #socket: Socket;
  readonly #highWaterBytes: number;
  #chunks: Buffer[] = [];
  #queuedBytes = 0;
  #ending: 'end' | 'lost' | undefined;
  #waiting: ((result: ReadResult) => void) | undefined;
  #isPaused = false;
  /** Called once when the peer is gone, or as soon as it sends while nobody should (a pooled connection). */
  onEnding: (() => void) | undefined;
  onBytes: (() => void) | undefined;

  constructor(socket: Socket, highWaterBytes = 64 * 1024) {
    this.#socket = socket;
    this.#highWaterBytes = highWaterBytes;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Bytes that were received and not yet read. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** How the stream ended, once it has. */
  get ending(): 'end' | 'lost' | undefined {
    return this.#ending;
  }

  /** The next bytes in order, as soon as there are any. One call at a time. */
  read(): ReadResult | Promise<ReadResult> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#queuedBytes -= chunk.length;
      if (this.#isPaused && this.#queuedBytes < this.#highWaterBytes) this.#resume();
      return chunk;
    }
    if (this.#ending) return this.#ending;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Puts bytes back, to be read next. */
  unshift(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#queuedBytes += bytes.length;
  }

  /**
   * Reads a message head with one of the codec's parsers. `onFirstBytes` is called when the head has begun.
   * Gives the head, the fault of a malformed one, or how the stream ended before it was whole.
   */
  async readHead<T>(
    parse: (bytes: Buffer, limits: HeadLimits, resumeFrom?: number) => Parsed<T>,
    limits: HeadLimits,
    onFirstBytes?: () => void,
  ): Promise<
    | { readonly kind: 'head'; readonly head: T }
    | WireFault
    | { readonly kind: 'ended'; readonly how: 'end' | 'lost'; readonly isPartial: boolean }
  > {
    let bytes: Buffer | undefined;
    let resumeFrom = 0;
    for (;;) {
      const read = this.read();
      const next = read instanceof Promise ? await read : read;
      if (typeof next === 'string') return { kind: 'ended', how: next, isPartial: bytes !== undefined };
      if (bytes === undefined) onFirstBytes?.();
      bytes = bytes === undefined ? next : Buffer.concat([bytes, next]);
      const parsed = parse(bytes, limits, resumeFrom);
      if (parsed.kind === 'incomplete') {
        resumeFrom = parsed.resumeFrom;
        continue;
      }
      if (parsed.kind === 'head') this.unshift(bytes.subarray(parsed.consumedBytes));
      return parsed;
    }
  }

  /** Ends whoever waits for bytes, as if the stream were lost. The socket stays open for a last answer. */
  interrupt(): void {
    this.#finish('lost');
  }

  /** Gives the socket away, paused, with no listener left but one that keeps errors from being fatal. */
  detach(): Buffer {
    if (this.#waiting) this.#deliver('lost');
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    const rest = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#queuedBytes = 0;
    return rest;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.onBytes?.();
    if (this.#waiting) return this.#deliver(chunk);
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= this.#highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  };

  readonly #onEnd = (): void => this.#finish('end');
  readonly #onError = (): void => this.#finish('lost');
  readonly #onClose = (): void => this.#finish('lost');

  #finish(how: 'end' | 'lost'): void {
    if (this.#ending) return;
    this.#ending = how;
    if (this.#waiting) this.#deliver(how);
    this.onEnding?.();
  }

  #deliver(result: ReadResult): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(result);
  }

  #resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }
}
