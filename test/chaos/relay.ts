import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

interface Passage {
  readonly near: Socket;
  far: Socket | undefined;
}

/**
 * Passes connections on until it is cut. Then it is what a network is that loses every packet: nothing comes through, nothing is
 * closed, and who connects hears nothing.
 */
export class Relay {
  readonly #server: Server;
  readonly #to: NetConnectOpts;
  readonly #passages = new Set<Passage>();
  #isCut = false;

  private constructor(to: NetConnectOpts) {
    this.#to = to;
    this.#server = createServer({ pauseOnConnect: true }, (near) => this.#accept(near));
  }

  /** @param at a path of a socket, or a free port of 127.0.0.1 */
  static async listen(to: NetConnectOpts, at?: string): Promise<Relay> {
    const relay = new Relay(to);
    relay.#server.listen(at === undefined ? { host: '127.0.0.1', port: 0 } : { path: at });
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const { near, far } of this.#passages) {
      for (const socket of [near, far]) socket?.unpipe().pause();
    }
  }

  /**
   * Passes on again, connections that began meanwhile too.
   * @param isForgetful those from before stay silent for ever, as behind a device that has forgotten them
   */
  heal(isForgetful: boolean): void {
    this.#isCut = false;
    for (const passage of this.#passages) {
      if (passage.far === undefined) this.#pass(passage);
      else if (!isForgetful) join(passage.near, passage.far);
    }
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#passages) for (const socket of [near, far]) socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(near: Socket): void {
    const passage: Passage = { near, far: undefined };
    this.#passages.add(passage);
    near.on('error', () => near.destroy());
    near.once('close', () => {
      this.#passages.delete(passage);
      passage.far?.destroy();
    });
    if (!this.#isCut) this.#pass(passage);
  }

  #pass(passage: Passage): void {
    const far = connect(this.#to);
    passage.far = far;
    far.on('error', () => passage.near.destroy());
    far.once('close', () => {
      // Whoever is cut off does not hear that the other side has ended.
      if (!this.#isCut) passage.near.destroy();
    });
    join(passage.near, far);
  }
}

function join(near: Socket, far: Socket): void {
  near.pipe(far);
  far.pipe(near);
}
