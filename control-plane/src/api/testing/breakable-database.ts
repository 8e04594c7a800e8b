import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../../../test/support/free-port.ts';

/** A way to a database that can be cut, blocked and mended. */
export interface BreakableDatabase {
  readonly url: string;
  /** Ends every connection and accepts none. */
  cut(): Promise<void>;
  /** Nothing passes any more, and no connection ends: a network that swallows packets. */
  block(): void;
  /** Lets new connections through, and what was blocked too. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** Puts a TCP port in front of the database at `databaseUrl`, which names a unix socket (`?host=/folder&port=…&user=…`). */
export async function breakable(databaseUrl: string): Promise<BreakableDatabase> {
  const target = new URL(databaseUrl.replace('postgres:///', 'postgres://host/'));
  const path = join(target.searchParams.get('host') ?? '', `.s.PGSQL.${target.searchParams.get('port') ?? '5432'}`);
  const pairs = new Set<readonly [Socket, Socket]>();
  let isBlocked = false;
  const server = createServer((near) => {
    const far = connect(path);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => pairs.delete(pair));
    }
    if (isBlocked) for (const socket of pair) socket.pause().unpipe();
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    await closed;
  };
  const port = await freePort();
  await listen(port);
  const user = target.searchParams.get('user') ?? target.username;
  return {
    url: `postgres://${user}@127.0.0.1:${port}${target.pathname}`,
    cut,
    block: () => {
      isBlocked = true;
      for (const pair of pairs) for (const socket of pair) socket.pause().unpipe();
    },
    mend: async () => {
      isBlocked = false;
      for (const [near, far] of pairs) {
        near.pipe(far);
        far.pipe(near);
      }
      if (!server.listening) await listen(port);
    },
    close: cut,
  };
}
