/**
 * Reads into one buffer for all sockets, out of which each read is copied to its own length. Otherwise Node allocates 64 KB
 * for each read of a socket, gives most of it back, and takes it through the machinery of streams.
 */
import type { Duplex } from 'node:stream';
import type { OnReadOpts } from 'node:net';

const readBytes = 64 * 1024;
let buffer: Buffer | undefined;
const readsOfSockets = new WeakMap<Duplex, SharedReads>();

/** Of one socket: made before it, since a socket is told when it is made where to read to. */
export class SharedReads {
  /** Takes the bytes instead of the socket's stream. */
  taker: ((bytes: Buffer) => void) | undefined;
  #socket: Duplex | undefined;

  /** Those of a socket that has them. */
  static of(socket: Duplex): SharedReads | undefined {
    return readsOfSockets.get(socket);
  }

  /** The `onread` of the socket that is about to be made. */
  get onread(): OnReadOpts {
    buffer ??= Buffer.allocUnsafeSlow(readBytes);
    return { buffer, callback: (length, read) => this.#take(Buffer.from(read.subarray(0, length))) };
  }

  attach(socket: Duplex): void {
    this.#socket = socket;
    readsOfSockets.set(socket, this);
  }

  /** False when no more is wanted now: Node stops reading until the stream is read. */
  #take(bytes: Buffer): boolean {
    if (!this.taker) return this.#socket?.push(bytes) ?? false;
    this.taker(bytes);
    return true;
  }
}
