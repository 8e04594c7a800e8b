import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { Duplex } from 'node:stream';
import type { HeadLimits, Parsed } from '../wire/head.ts';
import { SharedReads } from './shared-reads.ts';

/** Bytes, or how the stream ended: `end` by the peer's close, `lost` by anything else. */
export type ReadResult = Buffer | 'end' | 'lost';

/** What reading a head came to. */
export type HeadRead<T> =
  /** `bytes` are the head as it came, where it came as bytes. */
  | { readonly kind: 'head'; readonly head: T; readonly bytes?: Buffer }
  | WireFault
  | { readonly kind: 'ended'; readonly how: 'end' | 'lost'; readonly isPartial: boolean };

function ignoreFault(): void {}

/**
 * Pulls bytes off a socket: reads ahead up to a bound, then pauses the peer. The only owner of the socket's data
 * events until it is detached.
 */
export class SocketReader {
  readonly #socket: Duplex;
  readonly #reads: SharedReads | undefined;
  readonly #highWaterBytes: number;
  #chunks: Buffer[] = [];
  #queuedBytes = 0;
  #ending: 'end' | 'lost' | undefined;
  #waiting: ((result: ReadResult) => void) | undefined;
  #isPaused = false;
  /** Called once when the peer is gone, or as soon as it sends while nobody should (a pooled connection). */
  onEnding: (() => void) | undefined;
  onBytes: (() => void) | undefined;

  constructor(socket: Duplex, highWaterBytes = 64 * 1024) {
    this.#socket = socket;
    this.#highWaterBytes = highWaterBytes;
    this.#reads = SharedReads.of(socket);
    if (this.#reads) {
      this.#reads.taker = this.#onData;
      socket.resume();
    } else {
      socket.on('data', this.#onData);
    }
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
    return (
      this.readNow() ??
      new Promise((resolve) => {
        this.#waiting = resolve;
      })
    );
  }

  /** What is there to be read now, or how the stream ended; undefined when that has to be waited for. */
  readNow(): ReadResult | undefined {
    const chunk = this.#chunks.shift();
    if (!chunk) return this.#ending;
    this.#queuedBytes -= chunk.length;
    if (this.#isPaused && this.#queuedBytes < this.#highWaterBytes) this.#resume();
    return chunk;
  }

  /** Puts bytes back, to be read next. */
  unshift(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#queuedBytes += bytes.length;
  }

  /**
   * Reads a message head with one of the codec's parsers, which is asked as the bytes come. `onFirstBytes` is called when
   * the head has begun. Gives the head, the fault of a malformed one, or how the stream ended before it was whole.
   */
  readHead<T>(
    parse: (bytes: Buffer, limits: HeadLimits, resumeFrom?: number) => Parsed<T>,
    limits: HeadLimits,
    onFirstBytes?: () => void,
  ): HeadRead<T> | Promise<HeadRead<T>> {
    let bytes: Buffer | undefined;
    let resumeFrom = 0;
    const take = (next: ReadResult): HeadRead<T> | undefined => {
      if (typeof next === 'string') return { kind: 'ended', how: next, isPartial: bytes !== undefined };
      if (bytes === undefined) onFirstBytes?.();
      bytes = bytes === undefined ? next : Buffer.concat([bytes, next]);
      const parsed = parse(bytes, limits, resumeFrom);
      if (parsed.kind === 'fault') return parsed;
      if (parsed.kind === 'head') return this.#split(parsed, bytes);
      resumeFrom = parsed.resumeFrom;
      return undefined;
    };
    for (let next = this.readNow(); next !== undefined; next = this.readNow()) {
      const read = take(next);
      if (read) return read;
    }
    return new Promise((resolve) => {
      const wait = (next: ReadResult): void => {
        const read = take(next);
        if (read) resolve(read);
        else this.#waiting = wait;
      };
      this.#waiting = wait;
    });
  }

  #split<T>({ head, consumedBytes }: { head: T; consumedBytes: number }, bytes: Buffer): HeadRead<T> {
    if (consumedBytes === bytes.length) return { kind: 'head', head, bytes };
    this.unshift(bytes.subarray(consumedBytes));
    return { kind: 'head', head, bytes: bytes.subarray(0, consumedBytes) };
  }

  /** Ends whoever waits for bytes, as if the stream were lost. The socket stays open for a last answer. */
  interrupt(): void {
    this.#finish('lost');
  }

  /** Gives the socket away, paused, with no listener left but one that keeps errors from being fatal. */
  detach(): Buffer {
    if (this.#waiting) this.#deliver('lost');
    this.#socket.pause();
    if (this.#reads) this.#reads.taker = undefined;
    else this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#socket.off('error', this.#onError);
    this.#socket.on('error', ignoreFault);
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
