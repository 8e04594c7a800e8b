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
