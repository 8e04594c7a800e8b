// Many agents, slow ones and large transfers: memory stays within bounds, and a neighbour is served meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openIdleTunnels } from '../hostile/idle-tunnels.ts';
import { download, type Transfer, upload } from '../hostile/transfer.ts';
import { expectCanariesNowhere } from '../support/attack.ts';
import { residentBytes } from '../support/process-facts.ts';
import { connectHead, openRaw, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { startWorld, type World } from '../support/world.ts';

const megabyte = 1024 * 1024;
let world: World;
let worker: number;
beforeAll(async () => {
  world = await startWorld();
  worker = world.onecli.pidsOf('worker')[0] ?? 0;
});
afterAll(() => world?.stop());

async function expectNeighbourServed(): Promise<void> {
  world.upstream.handler = (_request, reply) => reply.json(200, { ok: true });
  const connection = await world.tunnel();
  for (let index = 0; index < 20; index += 1) {
    connection.send(requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }));
    expect((await connection.readResponse()).status).toBe(200);
  }
  connection.close();
  expect(world.onecli.pidsOf('worker')).toEqual([worker]);
}

/** What a transfer may add to a worker: buffers, and what is collected later. */
function expectFlat({ beforeBytes, curveBytes }: Transfer): void {
  expect(Math.max(...curveBytes) - beforeBytes).toBeLessThan(96 * megabyte);
}

describe('a worker', () => {
  it('holds a thousand idle tunnels in little memory, and a neighbour is served beside them', async () => {
    const { agent, token, caPem } = world;
    const before = residentBytes(worker);
    const sockets = await openIdleTunnels({
      proxyPort: world.onecli.proxyPort,
      agent,
      token,
      caPem,
      count: 1_000,
      concurrency: 32,
      hasRequest: true,
    });
    await expectNeighbourServed();
    expect(residentBytes(worker) - before).toBeLessThan(100 * megabyte);
    expect(sockets.filter((socket) => socket.destroyed).length).toBe(0);
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['send nothing', ''],
    ['send half a CONNECT', 'CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api'],
    ['send a request line, and go on a byte at a time', 'GET http://api.openai.com/v1/x HTTP/1.1\r\n'],
  ])('serves a neighbour while a thousand connections %s', async (_name, bytes) => {
    const slow: RawConnection[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send(bytes);
      slow.push(connection);
    }
    for (const connection of slow) if (bytes !== '') connection.send('x');
    await expectNeighbourServed();
    for (const connection of slow) connection.close();
  });

  it('serves a neighbour while five hundred tunnels stop in their TLS handshake', async () => {
    const stuck: RawConnection[] = [];
    for (let index = 0; index < 500; index += 1) {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send(connectHead('api.openai.com:443', world.agent, world.token));
      connection.send(Buffer.from('16030102000100', 'hex'));
      stuck.push(connection);
    }
    await expectNeighbourServed();
    for (const connection of stuck) connection.close();
  });

  it('serves a neighbour while a hundred agents do not read what they asked for', async () => {
    world.upstream.handler = async (_request, reply) => {
      await reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: ${50 * megabyte}\r\n\r\n`);
      const part = Buffer.alloc(megabyte, 'x');
      for (let sent = 0; sent < 50 && !reply.socket.destroyed; sent += 1) await reply.raw(part);
    };
    const before = residentBytes(worker);
    const deaf: RawConnection[] = [];
    for (let index = 0; index < 100; index += 1) {
      const connection = await world.tunnel();
      connection.socket.pause();
      connection.send(requestBytes('GET', '/v1/large'));
      deaf.push(connection);
    }
    await expectNeighbourServed();
    expect(residentBytes(worker) - before).toBeLessThan(150 * megabyte);
    for (const connection of deaf) connection.close();
  });

  it('passes 200 MB down with flat memory', async () => {
    expectFlat(await download(world, worker, 200 * megabyte));
  });

  it('passes 200 MB up with flat memory', async () => {
    expectFlat(await upload(world, worker, 200 * megabyte));
    await expectNeighbourServed();
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
