import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Two ends of one TCP connection on loopback. */
export interface LoopbackPair {
  readonly near: Socket;
  readonly far: Socket;
  close(): void;
}

export async function loopbackPair(): Promise<LoopbackPair> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  await once(far, 'connect');
  const [near] = await accepted;
  server.close();
  far.on('error', () => undefined);
  near.on('error', () => undefined);
  return {
    near,
    far,
    close: () => {
      near.destroy();
      far.destroy();
    },
  };
}

/** Lets sockets and promises go on until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
