import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { TestLeaf } from './test-authority.ts';

/** A `ws` server that echoes: what it received is kept. A text `close CODE REASON` makes it close, `cut` makes it vanish. */
export class WebSocketUpstream {
  /** Messages, decoded: text as a string. */
  readonly messages: (string | Buffer)[] = [];
  readonly requests: IncomingMessage[] = [];
  /** Codes of Close frames from clients. */
  readonly closeCodes: number[] = [];
  readonly #stop: () => Promise<void>;
  readonly server: WebSocketServer;

  constructor(
    readonly port: number,
    server: WebSocketServer,
    stop: () => Promise<void>,
  ) {
    this.server = server;
    this.#stop = stop;
    server.on('connection', (socket: WebSocket, request: IncomingMessage) => this.#serve(socket, request));
  }

  close(): Promise<void> {
    return this.#stop();
  }

  #serve(socket: WebSocket, request: IncomingMessage): void {
    this.requests.push(request);
    socket.on('error', () => undefined);
    socket.on('close', (code: number) => this.closeCodes.push(code));
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const message = isBinary ? data : data.toString();
      this.messages.push(message);
      if (message === 'cut') return socket.terminate();
      const [, code, reason] = typeof message === 'string' ? (/^close (\d+) (.*)$/.exec(message) ?? []) : [];
      if (code !== undefined) socket.close(Number(code), reason);
      else socket.send(message);
    });
  }
}

/** Starts one on a free port of 127.0.0.1. It agrees to the subprotocol `chat`, and answers 401 under `/v1/refused`. */
export async function startWebSocketUpstream(
  leaf: TestLeaf,
  perMessageDeflate: boolean | Record<string, unknown>,
): Promise<WebSocketUpstream> {
  const server = createServer({ key: leaf.key, cert: leaf.cert }, (_request, response) => response.end('plain answer'));
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate,
    maxPayload: 256 * 1024 * 1024,
    handleProtocols: (protocols) => (protocols.has('chat') ? 'chat' : false),
    verifyClient: ({ req }, done) => done(!req.url?.startsWith('/v1/refused'), 401, 'no key'),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new WebSocketUpstream((server.address() as AddressInfo).port, sockets, async () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
}
