import type { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';

/** No statement takes longer in the server, which ends it by itself; and it ends a transaction in which nothing happens. */
export const statementTimeoutMs = 30_000;
export const idleTransactionMs = 60_000;
const marginMs = 15_000;

/**
 * A connection that ends when nothing has come of it for longer than the server may be silent: the network lost it, or the server hangs.
 * What waited for it fails, instead of waiting for as long as the system believes in the connection: a quarter of an hour, or for ever.
 */
export class BoundedClient extends Client {
  constructor(config: ClientConfig) {
    super(config);
    this.once('connect', () => {
      const { stream } = this.#wire;
      stream.on('timeout', () => stream.destroy(new Error('The database has not answered in time')));
      this.bound(statementTimeoutMs);
    });
  }

  /** How long a statement may take from now on in the server. */
  bound(serverMs: number): void {
    this.#wire.stream.setTimeout(serverMs + marginMs);
  }

  /** Not in the types of `pg`; a test holds that it is there. */
  get #wire(): { readonly stream: Socket } {
    return (this as unknown as { connection: { stream: Socket } }).connection;
  }
}

/** Lets statements of a connection, as a query runner gives it, take longer than usual; to be set back afterwards. */
export function boundStatements(connection: unknown, serverMs = statementTimeoutMs): void {
  if (connection instanceof BoundedClient) connection.bound(serverMs);
}
