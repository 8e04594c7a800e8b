// A cut answer never looks whole; an agent that goes away aborts the upstream.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import type { UpstreamHandler } from '../support/upstream-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

/** The connection under test, for handlers that wait for what has come through. */
let agent: RawConnection | undefined;

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
const cuts: Record<string, UpstreamHandler> = {
  'less than its Content-Length, then FIN': async (_request, reply) => {
    await reply.raw(`${head}Content-Length: 100\r\n\r\nshort`);
    reply.end();
  },
  'less than its Content-Length, then RST': async (_request, reply) => {
    await reply.raw(`${head}Content-Length: 100\r\n\r\nshort`);
    reply.reset();
  },
  'no last chunk, then FIN': async (_request, reply) => {
    await reply.raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`);
    reply.end();
  },
  'half a chunk, then FIN': async (_request, reply) => {
    await reply.raw(`${head}Transfer-Encoding: chunked\r\n\r\nff\r\nshort`);
    reply.end();
  },
  'a chunk size that is none': async (_request, reply) => {
    await reply.raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n\r\n`);
  },
  'a chunk that runs over its size': async (_request, reply) => {
    await reply.raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nshorter\r\n0\r\n\r\n`);
  },
  'close-delimited, then RST': async (_request, reply) => {
    await reply.raw(`${head}\r\nshort`);
    await waitUntil('the agent has the first part', () => agent?.received().includes('short'));
    reply.reset();
  },
};

const invalid: Record<string, string> = {
  'no HTTP at all': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'a status that is no number': 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n',
  'two lengths that differ': `${head}Content-Length: 2\r\nContent-Length: 5\r\n\r\nhello`,
  'a length beside chunked': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a NUL in a header': `${head}X-A: b\0c\r\nContent-Length: 0\r\n\r\n`,
  'a folded header': `${head}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  'a head without end': `${head}X-A: ${'a'.repeat(400_000)}`,
  'an upgrade that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
};

describe('answers of an upstream that fails', () => {
  it.each(Object.entries(cuts))('%s: the agent cannot take the answer for whole', async (_what, handler) => {
    world.upstream.dropConnections();
    world.upstream.reset(handler);
    const connection = await world.tunnel();
    agent = connection;
    connection.send(requestBytes('GET', '/v1/models'));
    const answer = await connection.readResponse().catch(() => undefined);
    const how = await connection.untilClosed();
    if (answer !== undefined && answer.status === 200) {
      expect(answer.ending === 'cut' || (answer.ending === 'until-close' && how === 'reset')).toBe(true);
    } else {
      expect(answer?.status ?? 502).toBe(502);
    }
  });

  it.each(Object.entries(invalid))('%s: 502 and none of it reaches the agent', async (_what, bytes) => {
    world.upstream.dropConnections();
    world.upstream.reset(async (_request, reply) => {
      await reply.raw(bytes);
    });
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/models'));
    const answer = await connection.readResponse();
    expect(answer.status).toBe(502);
    expect(answer.header('x-onecli-error')).toBe('UPSTREAM_INVALID');
    connection.close();
  });

  it('an upstream that closes without an answer: 502', async () => {
    world.upstream.dropConnections();
    world.upstream.reset((_request, reply) => reply.end());
    const connection = await world.tunnel();
    connection.send(requestBytes('POST', '/v1/models', {}, 'once'));
    const answer = await connection.readResponse();
    expect(answer.status).toBe(502);
    expect(world.upstream.requests).toHaveLength(1);
    connection.close();
  });

  it('bytes after an answer are not the answer to the next request', async () => {
    world.upstream.dropConnections();
    world.upstream.reset(async (_request, reply) => {
      await reply.raw(
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
      );
    });
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/one'));
    expect((await connection.readResponse()).text).toBe('first');
    world.upstream.handler = (_request, reply) => reply.send(200, {}, 'second');
    connection.send(requestBytes('GET', '/v1/two'));
    expect((await connection.readResponse()).text).toBe('second');
    connection.close();
  });

  it('an agent that goes away in mid-answer aborts the upstream', async () => {
    world.upstream.dropConnections();
    world.upstream.reset(async (_request, reply) => {
      await reply.raw(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      while (!reply.socket.destroyed) {
        await reply.raw('5\r\nhello\r\n');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/stream'));
    await waitUntil('the stream has begun', () => connection.received().includes('hello'));
    connection.close();
    await waitUntil('the upstream connection is gone', () => world.upstream.connections.every((one) => one.closed));
  });

  it('an agent that goes away in mid-upload never completes the request upstream', async () => {
    world.upstream.dropConnections();
    world.upstream.reset(async (request, reply) => {
      await request.body();
      reply.json(200, {});
    });
    const connection = await world.tunnel();
    connection.send(
      'POST /v1/upload HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    );
    await waitUntil('the upstream has the first part', () => world.upstream.receivedBytes().includes('hello'));
    connection.close();
    await waitUntil('the upstream connection is gone', () => world.upstream.connections.every((one) => one.closed));
    expect(world.upstream.receivedBytes().toString('latin1')).not.toContain('\r\n0\r\n\r\n');
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
