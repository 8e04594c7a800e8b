import type { Socket } from 'node:net';

/** A connection of an agent, and whether it is between two requests. */
export interface OpenConnection {
  readonly socket: Socket;
  isIdle: boolean;
}

/** The agents' connections. Those that are idle end at once when the worker drains. */
export class OpenConnections {
  readonly #all = new Set<OpenConnection>();

  /** Follows a connection until it closes. */
  add(socket: Socket): OpenConnection {
    const connection: OpenConnection = { socket, isIdle: false };
    this.#all.add(connection);
    socket.once('close', () => this.#all.delete(connection));
    return connection;
  }

  get count(): number {
    return this.#all.size;
  }

  /** Ends those that wait for a request. */
  endIdle(): void {
    for (const { socket, isIdle } of this.#all) if (isIdle) socket.end();
  }

  destroyAll(): void {
    for (const { socket } of this.#all) socket.destroy();
  }
}
