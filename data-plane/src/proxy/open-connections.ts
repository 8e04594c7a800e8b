import type { Socket } from 'node:net';

/** A connection of an agent. */
export interface OpenConnection {
  /** Where its requests arrive: the TLS socket once there is a tunnel. */
  socket: Socket;
  /** It is between two requests. */
  isIdle: boolean;
  /** It is older than a connection may get, and ends after the request under way. */
  isExpired: boolean;
  readonly openedMs: number;
  /** Asks a connection that carries several requests at once, or one without end, to end when it can. May be asked often. */
  retire: (() => void) | undefined;
}

export interface OpenConnectionsOptions {
  readonly maxConnections: number;
  /** The age at which a connection expires; may be infinite. */
  readonly connectionMs: number;
  readonly nowMs?: () => number;
}

const lookEveryMs = 5_000;

/**
 * The agents' connections, of which there are so many at most. Those that have sent no request yet make room for new
 * ones, the longest silent first: silence costs a peer nothing, so it must not keep others out.
 */
export class OpenConnections {
  readonly #options: OpenConnectionsOptions;
  readonly #nowMs: () => number;
  readonly #all = new Set<OpenConnection>();
  /** Those that have sent no request yet, the oldest first. */
  readonly #silent = new Set<OpenConnection>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#timer = setInterval(() => this.expire(), lookEveryMs);
    this.#timer.unref();
  }

  /** Follows a connection until it closes. Undefined when there is no room for it and none could be made. */
  add(socket: Socket): OpenConnection | undefined {
    if (this.#all.size >= this.#options.maxConnections && !this.#makeRoom()) return undefined;
    const connection: OpenConnection = {
      socket,
      isIdle: false,
      isExpired: false,
      retire: undefined,
      openedMs: this.#nowMs(),
    };
    this.#all.add(connection);
    this.#silent.add(connection);
    socket.on('close', () => this.#forget(connection));
    return connection;
  }

  /** The first request of a connection has arrived. */
  spoke(connection: OpenConnection): void {
    this.#silent.delete(connection);
  }

  get count(): number {
    return this.#all.size;
  }

  /** Ends those that wait for a request, and tells those that would wait for ever. */
  endIdle(): void {
    for (const connection of this.#all) endSoon(connection);
  }

  destroyAll(): void {
    for (const { socket } of this.#all) socket.destroy();
  }

  /** Ends connections that are too old: at once when they are idle, otherwise after the request under way. */
  expire(): void {
    const oldestMs = this.#nowMs() - this.#options.connectionMs;
    for (const connection of this.#all) {
      // In the order in which they came: what follows is younger.
      if (connection.openedMs > oldestMs) return;
      connection.isExpired = true;
      endSoon(connection);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #makeRoom(): boolean {
    const [longest] = this.#silent;
    if (!longest) return false;
    this.#forget(longest);
    longest.socket.destroy();
    return true;
  }

  #forget(connection: OpenConnection): void {
    this.#all.delete(connection);
    this.#silent.delete(connection);
  }
}

function endSoon({ socket, isIdle, retire }: OpenConnection): void {
  if (retire) retire();
  else if (isIdle) socket.end();
}
