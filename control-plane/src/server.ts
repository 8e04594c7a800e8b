import { type RequestListener, type Server, createServer } from 'node:http';
import { ListenFault } from './listen-fault.ts';

const drainTimeoutMs = 5_000;

/** Listens for the API. */
export class ApiServer {
  readonly #server: Server;

  constructor(handle: RequestListener) {
    this.#server = createServer({ headersTimeout: 15_000, requestTimeout: 60_000, maxHeaderSize: 16 * 1024 }, handle);
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
    const timer = setTimeout(() => this.#server.closeAllConnections(), drainTimeoutMs);
    await closed;
    clearTimeout(timer);
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
