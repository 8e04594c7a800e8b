import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { UpstreamConnection } from './upstream-connection.ts';
import type { RecordedRequest, UpstreamHandler } from './upstream-connection.ts';
import type { TestAuthority, TestLeaf } from './test-authority.ts';

/** How to start a recording upstream. Without `authority` and `leaf` it speaks plain HTTP. */
export interface UpstreamOptions {
  authority?: TestAuthority;
  /** The names on the leaf. Default `api.openai.com`. */
  hosts?: readonly string[];
  /** A leaf to serve in place of a fresh one: expired, of another authority, for another name. */
  leaf?: TestLeaf;
  /** Default: 200 with `{"ok":true}`. */
  handler?: UpstreamHandler;
}

/** A server on 127.0.0.1 that keeps the exact bytes of each connection and answers by a script. */
export class RecordingUpstream {
  readonly connections: UpstreamConnection[] = [];
  /** Requests whose heads have come in, in order of arrival over all connections. */
  readonly requests: RecordedRequest[] = [];
  /** TCP connections, those included whose TLS handshake failed. */
  tcpConnections = 0;
  handler: UpstreamHandler;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, handler: UpstreamHandler, isTls: boolean) {
    this.#server = server;
    this.handler = handler;
    server.on('connection', (socket: Socket) => {
      this.tcpConnections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket | TLSSocket) => this.#serve(socket));
    server.on('tlsClientError', () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Everything that clients sent, over all connections, after TLS was taken off. */
  receivedBytes(): Buffer {
    return Buffer.concat(this.connections.map((connection) => connection.received()));
  }

  /** Forgets what was recorded and goes back to the given handler, or keeps the present one. */
  reset(handler?: UpstreamHandler): void {
    const live = this.connections.filter((connection) => !connection.closed);
    for (const connection of live) connection.forget();
    this.connections.splice(0, this.connections.length, ...live);
    this.requests.length = 0;
    this.tcpConnections = 0;
    if (handler !== undefined) this.handler = handler;
  }

  /** Cuts every connection, so that no pooled one is left for the next request. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const connection = new UpstreamConnection(socket, this.connections.length, {
      onRequest: (request) => this.requests.push(request),
      handler: () => this.handler,
    });
    this.connections.push(connection);
  }
}

/** Starts a recording upstream on a free port of 127.0.0.1. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<RecordingUpstream> {
  const leaf = options.leaf ?? options.authority?.issue(options.hosts ?? ['api.openai.com']);
  const server =
    leaf === undefined
      ? createTcpServer({ noDelay: true, allowHalfOpen: true })
      : createTlsServer({ key: leaf.key, cert: leaf.cert, ALPNProtocols: ['http/1.1'], noDelay: true });
  const handler = options.handler ?? ((_request, reply) => reply.json(200, { ok: true }));
  const upstream = new RecordingUpstream(server, handler, leaf !== undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return upstream;
}
