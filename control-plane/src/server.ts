import { type IncomingMessage, type RequestListener, type Server, ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { placeOf } from './auth/sessions/login-limiter.ts';
import { ListenFault } from './listen-fault.ts';
import { offerUpgrade } from './subscriptions/upgrade-offer.ts';

const drainTimeoutMs = 5_000;
const maxConnections = 1_000;

interface ApiServerOptions {
  /** Whether an address is of a proxy whose connections are those of many. Absent: none is. */
  readonly isProxy?: (address: string) => boolean;
  /** How many connections one address may have. */
  readonly maxOfAddress?: number;
}

/** Listens for the API. */
export class ApiServer {
  readonly #server: Server;

  /** Connections that are none of HTTP any more: they are ended by us. */
  readonly #upgraded = new Set<Duplex>();

  /** How many connections are open, by where they are from. */
  readonly #open = new Map<string, number>();

  constructor(handle: RequestListener, { isProxy = () => false, maxOfAddress = 250 }: ApiServerOptions = {}) {
    this.#server = createServer({ headersTimeout: 15_000, requestTimeout: 60_000, maxHeaderSize: 16 * 1024 }, handle);
    this.#server.maxConnections = maxConnections;
    this.#server.on('connection', (socket) => {
      const { remoteAddress = '' } = socket;
      if (!isProxy(remoteAddress)) this.#count(socket, placeOf(remoteAddress), maxOfAddress);
    });
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

  /** One address cannot have all connections, before anybody has signed in. */
  #count(socket: Socket, place: string, atMost: number): void {
    const open = this.#open.get(place) ?? 0;
    if (open >= atMost) {
      socket.destroy();
      return;
    }
    this.#open.set(place, open + 1);
    socket.once('close', () => {
      const left = (this.#open.get(place) ?? 1) - 1;
      if (left === 0) this.#open.delete(place);
      else this.#open.set(place, left);
    });
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
