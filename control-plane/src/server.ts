import { type IncomingMessage, type RequestListener, type Server, ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ListenFault } from './listen-fault.ts';
import { offerUpgrade } from './subscriptions/upgrade-offer.ts';

const drainTimeoutMs = 5_000;

/** Listens for the API. */
export class ApiServer {
  readonly #server: Server;

  /** Connections that are none of HTTP any more: they are ended by us. */
  readonly #upgraded = new Set<Duplex>();

  constructor(handle: RequestListener) {
    this.#server = createServer({ headersTimeout: 15_000, requestTimeout: 60_000, maxHeaderSize: 16 * 1024 }, handle);
    this.#server.on('upgrade', (request, socket, head) => this.#offer(handle, request, { socket, head }));
  }

  /**
   * Resolves when connections are accepted.
   * @throws ListenFault, which says what to change
   */
  async listen(port: number, bind: string): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, bind, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    } catch (cause) {
      throw new ListenFault(listenProblem(cause, port, bind), { cause });
    }
  }

  /** Accepts no more connections, lets the requests under way end for five seconds, then ends them. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const socket of this.#upgraded) socket.destroy();
    const timer = setTimeout(() => this.#server.closeAllConnections(), drainTimeoutMs);
    await closed;
    clearTimeout(timer);
  }

  /** A request to become another protocol goes through the app as any other: it is answered there, or taken over. */
  #offer(handle: RequestListener, request: IncomingMessage, offered: { socket: Duplex; head: Buffer }): void {
    // Node took its hands off it, and its time limits: unless we end it, what is left unread keeps it open for ever.
    const socket = offered.socket as Socket;
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    socket.on('error', () => socket.destroy());
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      socket.destroySoon();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    offerUpgrade(request, { ...offered, response });
    handle(request, response as Parameters<RequestListener>[1]);
  }
}

function listenProblem(cause: unknown, port: number, bind: string): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${bind} is taken by another process. Choose another with ONECLI_API_PORT.`;
    case 'EACCES':
      return `Port ${port} on ${bind} may not be listened on by this user. Choose another with ONECLI_API_PORT.`;
    case 'EADDRNOTAVAIL':
      return `${bind} is no address of this machine. Choose another with ONECLI_BIND.`;
    default:
      return `Cannot listen on ${bind} port ${port}`;
  }
}
