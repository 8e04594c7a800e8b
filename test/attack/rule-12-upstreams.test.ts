// An upstream that misbehaves harms the one request that it was asked for: no other, and not the worker.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { peakBytes } from '../support/process-facts.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { RawResponse } from '../support/raw-connection.ts';
import type { Reply, UpstreamHandler } from '../support/upstream-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let worker: number;
beforeAll(async () => {
  world = await startWorld({
    start: { env: { ONECLI_LIMIT_FIRST_BYTE_MS: '1000', ONECLI_LIMIT_BODY_IDLE_MS: '1000' } },
  });
  worker = world.onecli.pidsOf('worker')[0] ?? 0;
});
afterAll(() => world?.stop());

const ok: UpstreamHandler = (_request, reply) => reply.json(200, { ok: true });
const secret = { authorization: 'Bearer onecli://prod/openai' };

async function ask(handler: UpstreamHandler, method = 'GET'): Promise<RawResponse | undefined> {
  world.upstream.dropConnections();
  world.upstream.reset(handler);
  const connection = await world.tunnel();
  connection.send(requestBytes(method, '/v1/x', secret));
  try {
    return await connection.readResponse(method, 20_000);
  } catch {
    return undefined;
  } finally {
    connection.close();
  }
}

async function expectNeighbourServed(): Promise<void> {
  const answer = await ask(ok);
  expect([answer?.status, answer?.text]).toEqual([200, '{"ok":true}']);
  expect(world.onecli.pidsOf('worker')).toEqual([worker]);
}

/** Writes for as long as the other side takes it. */
async function forever(reply: Reply, piece: string): Promise<void> {
  while (!reply.socket.destroyed && reply.socket.writable) await reply.raw(piece);
}

const misbehaviour: [name: string, handler: UpstreamHandler, status: number, code: string][] = [
  ['ends without a byte', (_request, reply) => reply.end(), 502, 'UPSTREAM_UNREACHABLE'],
  ['resets without a byte', (_request, reply) => reply.reset(), 502, 'UPSTREAM_UNREACHABLE'],
  ['says nothing', () => undefined, 504, 'UPSTREAM_TIMEOUT'],
  [
    'ends in its head',
    async (_request, reply) => reply.raw('HTTP/1.1 200 O').then(() => reply.end()),
    502,
    'UPSTREAM_INVALID',
  ],
  ['sends garbage', (_request, reply) => reply.raw('\0\x16\x03 garbage \r\n\r\n'.repeat(50)), 502, 'UPSTREAM_INVALID'],
  [
    'sends a head without end',
    (_request, reply) => reply.raw('HTTP/1.1 200 OK\r\n').then(() => forever(reply, `X: ${'a'.repeat(4096)}\r\n`)),
    502,
    'UPSTREAM_INVALID',
  ],
  [
    'sends ten thousand headers',
    (_request, reply) => reply.raw(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(10_000)}\r\n`),
    502,
    'UPSTREAM_INVALID',
  ],
  [
    'sends interim answers without end',
    (_request, reply) => forever(reply, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
    502,
    'UPSTREAM_INVALID',
  ],
  [
    'switches protocols unasked',
    (_request, reply) => reply.raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
    502,
    'UPSTREAM_INVALID',
  ],
  [
    'says two lengths',
    (_request, reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    502,
    'UPSTREAM_INVALID',
  ],
];

/** Their heads have gone on to the agent before the fault shows: the answer must not look whole. */
const cut: [name: string, handler: UpstreamHandler][] = [
  [
    'sends less than it said and ends',
    (_request, reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc').then(() => reply.end()),
  ],
  ['stops in mid-body', (_request, reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')],
  [
    'sends a malformed chunk',
    (_request, reply) => reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n'),
  ],
  [
    'sends a chunk size without end',
    (_request, reply) =>
      reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n').then(() => forever(reply, '0'.repeat(4096))),
  ],
  [
    'sends trailers without end',
    (_request, reply) =>
      reply
        .raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n')
        .then(() => forever(reply, `X: ${'a'.repeat(4096)}\r\n`)),
  ],
];

describe('an upstream', () => {
  it.each(misbehaviour)('that %s is answered for by us', async (_name, handler, status, code) => {
    const answer = await ask(handler);
    expect([answer?.status, answer?.header('x-onecli-error')]).toEqual([status, code]);
    await expectNeighbourServed();
  });

  it.each(cut)('that %s never looks whole', async (_name, handler) => {
    // While the search for echoed secrets still holds all that came, the answer has not begun: then it is ours.
    const answer = await ask(handler);
    expect(answer?.header('x-onecli-error') ?? answer?.ending ?? 'cut').toMatch(/^(cut|UPSTREAM_(INVALID|TIMEOUT))$/);
    await expectNeighbourServed();
  });

  it('that answers once more on an idle connection is not heard: the next request gets its own answer', async () => {
    world.upstream.dropConnections();
    world.upstream.reset(ok);
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/first'));
    await connection.readResponse();
    const [idle] = world.upstream.connections.filter(({ closed }) => !closed);
    idle?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen');
    await waitUntil('the worker has let go of it', () => idle?.closed === true);
    connection.send(requestBytes('GET', '/v1/second'));
    expect((await connection.readResponse()).text).toBe('{"ok":true}');
    connection.close();
  });

  it('that sends a second answer behind the first does not reach the next request', async () => {
    const connection = await world.tunnel();
    world.upstream.dropConnections();
    world.upstream.reset((_request, reply) =>
      reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen'),
    );
    connection.send(requestBytes('GET', '/v1/first'));
    expect((await connection.readResponse()).text).toBe('ok');
    world.upstream.reset(ok);
    connection.send(requestBytes('GET', '/v1/second'));
    expect((await connection.readResponse()).text).toBe('{"ok":true}');
    connection.close();
  });

  it('that was any of these leaves the worker’s peak below 300 MB', () => {
    expect(peakBytes(worker)).toBeLessThan(300 * 1024 * 1024);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
