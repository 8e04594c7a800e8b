import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Deadline, DeadlineClock } from './deadline.ts';

export interface JoinOptions {
  readonly clock: DeadlineClock;
  /** Without a byte either way for so long, both are cut. */
  readonly idleMs: number;
}

/**
 * Two sockets, the bytes of each going to the other: one that does not take them holds the other back, the end of one is
 * the end of that way alone (RFC 9110 9.3.6), and where one is lost the other is reset. Both are paused and without data
 * listeners when they are given.
 */
export class JoinedSockets {
  /** Resolves when both are closed. */
  readonly ended: Promise<void>;
  /** Bytes from the first to the second, and back. */
  forthBytes = 0;
  backBytes = 0;
  readonly #first: Socket;
  readonly #second: Socket;
  readonly #idleMs: number;
  readonly #idle: Deadline;

  constructor(first: Socket, second: Socket, { clock, idleMs }: JoinOptions) {
    this.#first = first;
    this.#second = second;
    this.#idleMs = idleMs;
    this.#idle = clock.deadline(() => this.cut());
    this.#idle.extend(idleMs);
    this.ended = Promise.all([closed(first, second), closed(second, first)]).then(() => this.#idle.clear());
    this.#pass(first, second, (bytes) => (this.forthBytes += bytes));
    this.#pass(second, first, (bytes) => (this.backBytes += bytes));
  }

  /** Ends both at once, so that neither takes what it has for all. */
  cut(): void {
    reset(this.#first);
    reset(this.#second);
  }

  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.pipe(to);
    from.on('data', (chunk: Buffer) => {
      count(chunk.length);
      this.#idle.extend(this.#idleMs);
    });
  }
}

/** Waits for a socket to close; when it was lost and not ended both ways, the other is lost too. */
function closed(socket: Socket, other: Socket): Promise<void> {
  return new Promise((resolve) => {
    const onClose = (): void => {
      if (!socket.readableEnded || !socket.writableFinished) reset(other);
      resolve();
    };
    socket.on('error', () => undefined);
    if (socket.closed) onClose();
    else socket.once('close', onClose);
  });
}

/** Over TLS there is no reset; an end without close_notify says as much (RFC 8446 section 6.1). */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
