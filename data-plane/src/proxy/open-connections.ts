import type { Socket } from 'node:net';

/** The agents' connections, and which of them are between two requests: those end at once when the worker drains. */
export class OpenConnections {
  readonly #idle = new Set<Socket>();
  readonly #all = new Set<Socket>();

  add(socket: Socket): void {
    this.#all.add(socket);
    socket.once('close', () => {
      this.#all.delete(socket);
      this.#idle.delete(socket);
    });
  }

  get count(): number {
    return this.#all.size;
  }

  idle(socket: Socket): void {
    this.#idle.add(socket);
  }

  busy(socket: Socket): void {
    this.#idle.delete(socket);
  }

  /** Ends those that wait for a request. */
  endIdle(): void {
    for (const socket of this.#idle) socket.end();
  }

  destroyAll(): void {
    for (const socket of this.#all) socket.destroy();
  }
}
