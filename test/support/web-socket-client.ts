import { WebSocket } from 'ws';
import { waitUntil, within } from './wait-until.ts';
import type { World } from './world.ts';

/** How a `ws` client of the agent is opened. */
export interface ClientOptions {
  perMessageDeflate?: boolean;
  protocols?: string[];
  headers?: Record<string, string>;
}

/** A `ws` client that goes through the gateway by a CONNECT of its own: `ws` knows no proxies. */
export class WebSocketClient {
  readonly messages: (string | Buffer)[] = [];
  readonly pongs: string[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.messages.push(isBinary ? data : data.toString()));
    socket.on('pong', (data: Buffer) => this.pongs.push(data.toString()));
    socket.on('close', (code: number, reason: Buffer) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
  }

  get socket(): WebSocket {
    return this.#socket;
  }

  /** Sends a message and gives the next one that comes back. */
  async ask(message: string | Buffer): Promise<string | Buffer> {
    const known = this.messages.length;
    this.#socket.send(message);
    await waitUntil('a message', () => this.messages.length > known);
    return this.messages[known] ?? '';
  }

  /** Waits for the end and gives the code and reason that the client saw. */
  async untilClosed(): Promise<{ code: number; reason: string }> {
    return await waitUntil('the WebSocket is closed', () => this.closed);
  }
}

/** Opens a WebSocket to `wss://HOST/PATH` as the world's agent. @throws when it is refused. */
export async function openWebSocket(world: World, url: string, options: ClientOptions = {}): Promise<WebSocketClient> {
  const connection = await world.tunnel({ authority: `${new URL(url).host}:443` });
  const socket = new WebSocket(url, options.protocols ?? [], {
    perMessageDeflate: options.perMessageDeflate ?? false,
    headers: options.headers ?? {},
    createConnection: () => connection.release(),
  });
  const client = new WebSocketClient(socket);
  const opened = new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  await within('the WebSocket opens', opened, 15_000);
  return client;
}
