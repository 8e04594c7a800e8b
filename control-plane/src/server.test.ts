import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { ApiServer } from './server.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('a request to become a WebSocket that is refused', () => {
  it('is answered and its connection ended, though the client neither ends it nor says no more', async () => {
    const taken: Socket[] = [];
    const server = new ApiServer((request, response) => {
      taken.push(request.socket);
      // When the client's next bytes lie there, unread.
      setTimeout(() => response.writeHead(401, { 'content-length': 0 }).end(), 50);
    });
    const port = await freePort();
    await server.listen(port, '127.0.0.1');
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    ends.push(
      () => client.destroy(),
      () => server.close(),
    );
    client.on('error', () => undefined);
    let answer = '';
    client.setEncoding('latin1').on('data', (text: string) => (answer += text));
    client.write('GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await expect.poll(() => taken.length).toBe(1);
    const [socket] = taken;
    if (socket === undefined) throw new Error('nothing came');
    if (!socket.destroyed) await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('the connections of one address', () => {
  const held = async (isProxy: boolean): Promise<number> => {
    const server = new ApiServer((_request, response) => response.end(), { isProxy: () => isProxy, maxOfAddress: 3 });
    const port = await freePort();
    await server.listen(port, '127.0.0.1');
    const clients = Array.from({ length: 5 }, () => connect({ port, host: '127.0.0.1' }));
    ends.push(() => server.close());
    let closed = 0;
    for (const client of clients) {
      ends.unshift(() => client.destroy());
      client.on('error', () => undefined).once('close', () => closed++);
    }
    for (const client of clients) if (client.connecting) await once(client, 'connect');
    // Who has one of those that are held is answered.
    for (const client of isProxy ? clients : clients.slice(0, 1)) {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(client, 'data');
    }
    if (!isProxy) await expect.poll(() => closed).toBe(2);
    return clients.length - closed;
  };

  it('are bounded, so that it cannot have them all', async () => {
    expect(await held(false)).toBe(3);
  });

  it('of a proxy that tells who is behind it are not: they are those of many', async () => {
    expect(await held(true)).toBe(5);
  });
});
