import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Configuration } from '../snapshot/configuration.ts';

/** Whoever has a connection now. */
export interface Holder {
  /** Another configuration is in force: what it does not allow any more ends at once, also where nothing is being said. */
  lookAgain(configuration: Configuration): void;
}

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
  holder: Holder | undefined;
}

export interface OpenConnectionsOptions {
  readonly maxConnections: number;
  /** The age at which a connection expires; may be infinite. */
  readonly connectionMs: number;
  readonly nowMs?: () => number;
  /** Looking again at a connection failed; it was ended. */
  readonly onError?: (error: unknown) => void;
}

const lookEveryMs = 5_000;
/** So many are asked to look again between two turns of the event loop. */
const lookedAtOnce = 250;

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
  /** What is to be looked at again, and while they are being asked. */
  #newest: Configuration | undefined;
  #looking: Promise<void> | undefined;

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
      holder: undefined,
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

  /**
   * Has every connection judged by a configuration that has just come into force, a few in each turn. Resolves when all have been,
   * by this one or a newer one. Never rejects.
   */
  lookAgain(configuration: Configuration): Promise<void> {
    this.#newest = configuration;
    if (this.#looking) return this.#looking;
    const looking = this.#lookAtAll();
    // Few connections are looked at in this very turn.
    if (this.#newest !== undefined) this.#looking = looking;
    return looking;
  }

  async #lookAtAll(): Promise<void> {
    for (let asked: Configuration | undefined; this.#newest !== undefined && asked !== this.#newest; ) {
      asked = this.#newest;
      let inTurn = 0;
      for (const connection of this.#all) {
        this.#look(connection, asked);
        if (++inTurn % lookedAtOnce === 0) await nextTurn();
      }
    }
    this.#newest = undefined;
    this.#looking = undefined;
  }

  /** What cannot be judged is not allowed, and keeps no other from being judged. */
  #look({ holder, socket }: OpenConnection, configuration: Configuration): void {
    try {
      holder?.lookAgain(configuration);
    } catch (error) {
      socket.destroy();
      this.#options.onError?.(error);
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
