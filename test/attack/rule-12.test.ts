// Bad input never ends the process, grows memory without bound, or holds a neighbour up.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { peakBytes } from '../support/process-facts.ts';
import { openRaw, openTunnel, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

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
  connection.send(requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }));
  expect((await connection.readResponse()).status).toBe(200);
  connection.close();
  expect(world.onecli.pidsOf('worker')).toEqual([worker]);
}

describe('hostile input', () => {
  it('random bytes on the proxy port and in tunnels change nothing for the others', async () => {
    for (let round = 0; round < 60; round += 1) {
      const connection = round % 2 === 0 ? await openRaw(world.onecli.proxyPort) : await world.tunnel();
      connection.send(randomBytes(1 + round * 97));
      connection.send('\r\n\r\n');
      connection.socket.end();
      await connection.untilClosed(30_000);
    }
    await expectNeighbourServed();
  });

  it('random bytes in place of a TLS ClientHello end the tunnel', async () => {
    const { connectHead } = await import('../support/raw-agent.ts');
    for (let round = 0; round < 10; round += 1) {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send(connectHead('api.openai.com:443', world.agent, world.token));
      expect((await connection.readResponse('CONNECT')).status).toBe(200);
      connection.send(Buffer.concat([Buffer.from('160301', 'hex'), randomBytes(600)]));
      connection.socket.end();
      await connection.untilClosed(30_000);
    }
    await expectNeighbourServed();
  });

  it('a head without end is refused within its limit', async () => {
    const connection = await world.tunnel();
    connection.send('GET /v1/x HTTP/1.1\r\nHost: api.openai.com\r\n');
    for (
      let index = 0;
      index < 3_000 && connection.ended === 'open' && connection.received().length === 0;
      index += 1
    ) {
      connection.send(`X-${index}: ${'a'.repeat(1000)}\r\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const answer = await connection.readResponse().catch(() => undefined);
    expect(answer?.status ?? 431).toBe(431);
    await connection.untilClosed();
    await expectNeighbourServed();
  });

  it('a CONNECT head without end is refused within its limit', async () => {
    const connection = await openRaw(world.onecli.proxyPort);
    connection.send(`CONNECT api.openai.com:443 HTTP/1.1\r\nX: ${'a'.repeat(1_000_000)}`);
    await connection.untilClosed();
    await expectNeighbourServed();
  });

  it('slow heads hold up nobody', async () => {
    const slow: RawConnection[] = [];
    for (let index = 0; index < 50; index += 1) {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send('CONNECT api.open');
      slow.push(connection);
    }
    await expectNeighbourServed();
    for (const connection of slow) connection.close();
  });

  it('an agent that does not read holds the upstream back, not the memory of the worker', async () => {
    const megabytes = 300;
    let sent = 0;
    world.upstream.handler = async (_request, reply) => {
      await reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: ${megabytes * 1024 * 1024}\r\n\r\n`);
      const part = Buffer.alloc(1024 * 1024, 'x');
      while (sent < megabytes && !reply.socket.destroyed) {
        await reply.raw(part);
        sent += 1;
      }
    };
    const connection = await world.tunnel();
    connection.socket.pause();
    connection.send(requestBytes('GET', '/v1/big'));
    await waitUntil('the upstream has begun', () => sent > 0);
    let last = -1;
    await waitUntil('the upstream is held back', async () => {
      const before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
      last = sent;
      return before === last;
    });
    expect(last).toBeLessThan(megabytes / 2);
    connection.close();
    await expectNeighbourServed();
    expect(peakBytes(worker)).toBeLessThan(400 * 1024 * 1024);
  });

  it('a hundred agents that go away in the handshake, in the head and in the body leave nothing behind', async () => {
    world.upstream.handler = (_request, reply) => reply.json(200, {});
    for (let index = 0; index < 100; index += 1) {
      const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, token: world.token });
      if (tunnel.kind !== 'open') throw new Error('the tunnel did not open');
      tunnel.connection.send(
        index % 2 === 0
          ? 'POST /v1/x HTTP/1.1\r\nHost: api'
          : 'POST /v1/x HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 50\r\n\r\nabc',
      );
      tunnel.connection.close();
    }
    await expectNeighbourServed();
  });

  it('a plain request with credentials and no target host is answered', async () => {
    const connection = await openRaw(world.onecli.proxyPort);
    connection.send(
      `GET http:///x HTTP/1.1\r\nHost: \r\nProxy-Authorization: ${proxyCredentials(world.agent, world.token)}\r\n\r\n`,
    );
    expect((await connection.readResponse()).status).toBe(400);
    await expectNeighbourServed();
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
