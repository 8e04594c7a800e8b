// What is bounded is bounded for the one that asks for too much, and its neighbours are served meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectOwnAnswer, expectRefusal } from '../support/attack.ts';
import { openRaw, openTunnel, requestBytes, type Tunnel } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, makeAgent, startWorld, type World } from '../support/world.ts';

const limits = {
  ONECLI_LIMIT_CONNECTIONS: '40',
  ONECLI_LIMIT_TUNNELS_PER_AGENT: '8',
  ONECLI_LIMIT_CERTIFICATES_PER_AGENT_PER_MINUTE: '10',
  ONECLI_LIMIT_BODY_BYTES: '1000',
  ONECLI_LIMIT_FIRST_HEAD_MS: '2000',
  ONECLI_LIMIT_HEAD_MS: '1000',
  ONECLI_LIMIT_HEADERS: '50',
  ONECLI_LIMIT_HEAD_BYTES: '8192',
  ONECLI_LIMIT_TARGET_BYTES: '1024',
  ONECLI_LIMIT_REQUEST_MS: '3000',
};

let world: World;
let neighbourToken: string;
const opened: RawConnection[] = [];

beforeAll(async () => {
  world = await startWorld({
    start: { env: limits },
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { allow: { hosts: ['*.wild.example'] } },
    ],
  });
  neighbourToken = await makeAgent(world.onecli, 'neighbour');
  await world.onecli.must('POST', '/api/policies', {
    name: 'neighbour',
    agents: ['neighbour'],
    rules: [{ allow: { hosts: [boundHost], paths: ['/v1/**'] } }],
  });
  await waitUntil('the neighbour is served', async () => (await neighbourStatus()) === 200);
});
afterAll(() => world?.stop());

async function neighbourStatus(): Promise<number> {
  const tunnel = await asNeighbour();
  if (tunnel.kind !== 'open') return tunnel.answer.status;
  tunnel.connection.send(requestBytes('GET', '/v1/models'));
  const { status } = await tunnel.connection.readResponse();
  tunnel.connection.close();
  return status;
}

function asNeighbour(): Promise<Tunnel> {
  return openTunnel({ proxyPort: world.onecli.proxyPort, agent: 'neighbour', token: neighbourToken, ca: world.caPem });
}

async function asMallory(authority?: string): Promise<Tunnel> {
  const { proxyPort } = world.onecli;
  const tunnel = await openTunnel({ proxyPort, token: world.token, ...(authority !== undefined && { authority }) });
  if (tunnel.kind === 'open') opened.push(tunnel.connection);
  return tunnel;
}

async function closeAll(): Promise<void> {
  for (const connection of opened.splice(0)) connection.close();
  await waitUntil('the worker has seen them close', async () => {
    const health = await fetch(`${world.onecli.proxyUrl}/health`, { headers: { connection: 'close' } });
    return ((await health.json()) as { connections: number }).connections <= 2;
  });
}

describe('limits', () => {
  it('an agent has so many tunnels and no more; others are served, and it too when it has closed some', async () => {
    const tunnels: Tunnel[] = [];
    for (let index = 0; index < 9; index += 1) tunnels.push(await asMallory());
    expect(tunnels.map(({ kind }) => kind)).toEqual([...Array.from({ length: 8 }, () => 'open'), 'refused']);
    const refused = tunnels[8]?.answer;
    expect([refused?.status, refused?.reason, refused?.header('retry-after')]).toEqual([429, 'TOO_MANY_TUNNELS', '5']);
    expect(await neighbourStatus()).toBe(200);
    await closeAll();
    expect((await asMallory()).kind).toBe('open');
    await closeAll();
  });

  it('a tunnel that is refused for their number is recorded, once, with the reason', async () => {
    for (let index = 0; index < 9; index += 1) await asMallory();
    await closeAll();
    const refused = (await world.auditSince(0)).filter(({ reason }) => reason === 'TOO_MANY_TUNNELS');
    expect(refused.map(({ decision, status, host, method }) => ({ decision, status, host, method }))).toEqual(
      Array.from({ length: 2 }, () => ({ decision: 'deny', status: 429, host: boundHost, method: 'CONNECT' })),
    );
  });

  it('certificates are made so fast and no faster, and others still get theirs', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 14; index += 1) {
      const { answer } = await asMallory(`host-${index}.wild.example:443`);
      statuses.push(answer.status);
      await closeAll();
      if (answer.status === 429) {
        expect(answer.reason).toBe('TOO_MANY_CERTIFICATES');
        expect(Number(answer.header('retry-after'))).toBeGreaterThan(0);
      }
    }
    expect(statuses.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(statuses).toContain(429);
    expect((await asMallory()).kind).toBe('open');
    expect(await neighbourStatus()).toBe(200);
    await closeAll();
  });

  it('silent connections make room, the longest silent first, and nobody else waits', async () => {
    const silent: RawConnection[] = [];
    for (let index = 0; index < 60; index += 1) silent.push(await openRaw(world.onecli.proxyPort));
    expect(await neighbourStatus()).toBe(200);
    await waitUntil('the first have made room', () => silent.slice(0, 20).every(({ ended }) => ended !== 'open'));
    for (const connection of silent) connection.close();
    await closeAll();
  });

  it('a body that is declared too long is refused before anything leaves, and the secret stays', async () => {
    const headers = { authorization: 'Bearer onecli://prod/openai' };
    const bytes = requestBytes('POST', '/v1/x', headers, 'a'.repeat(1_001));
    expectRefusal(await attack(world, { bytes }), 413, 'BODY_TOO_LARGE');
  });

  it('a body that turns out too long in chunks never looks whole to the upstream', async () => {
    const connection = await world.tunnel();
    world.upstream.reset(async (request, reply) => {
      await request.body();
      reply.json(200, {});
    });
    connection.send(requestBytes('POST', '/v1/x', { 'transfer-encoding': 'chunked' }));
    for (let sent = 0; sent < 2_000; sent += 100) connection.send(`64\r\n${'a'.repeat(100)}\r\n`);
    expectOwnAnswer(await connection.readResponse(), 413, 'BODY_TOO_LARGE');
    await connection.untilClosed();
    expect(world.upstream.receivedBytes().toString('latin1')).not.toContain('0\r\n\r\n');
  });

  it.each([
    ['too many headers', Array.from({ length: 60 }, (_, index) => `x-${index}: 1\r\n`).join('')],
    ['too large a head', `x-long: ${'a'.repeat(9_000)}\r\n`],
  ])('%s get 431', async (_name, fields) => {
    const bytes = `GET /v1/x HTTP/1.1\r\nHost: ${boundHost}\r\n${fields}\r\n`;
    expectRefusal(await attack(world, { bytes }), 431, 'HEAD_TOO_LARGE');
  });

  it('many placeholders in many fields, each a few bytes, do not make a head without bound', async () => {
    // Each is within the bound of the head as it came; with the values in place, or by their number, they are not.
    const line = (index: number, count: number): [string, string] => [
      `x-${index}`,
      Array.from({ length: count }, () => 'onecli://prod/openai').join(' '),
    ];
    const fits = Object.fromEntries([line(0, 3), line(1, 3)]);
    expect((await attack(world, { bytes: requestBytes('GET', '/v1/x', fits) })).answer.status).toBe(200);
    const tooMany = Object.fromEntries(Array.from({ length: 20 }, (_, index) => line(index, 15)));
    const bytes = requestBytes('GET', '/v1/x', tooMany);
    expect(bytes.length).toBeLessThan(8_192);
    expectRefusal(await attack(world, { bytes }), 431, 'HEAD_TOO_LARGE');
  });

  it('too long a target gets 414', async () => {
    expectRefusal(
      await attack(world, { bytes: requestBytes('GET', `/v1/${'a'.repeat(1_100)}`) }),
      414,
      'TARGET_TOO_LONG',
    );
  });

  it('a head that is not finished in time gets 408, first and later ones', async () => {
    const first = await openRaw(world.onecli.proxyPort);
    first.send('CONNECT api.open');
    expectOwnAnswer(await first.readResponse(), 408, 'REQUEST_TIMEOUT');
    const later = await world.tunnel();
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    later.send(requestBytes('GET', '/v1/x'));
    expect((await later.readResponse()).status).toBe(200);
    later.send('GET /v1/x HT');
    expectOwnAnswer(await later.readResponse(), 408, 'REQUEST_TIMEOUT');
    later.close();
  });

  it('a request that takes longer than it may is ended, whatever trickles', async () => {
    world.upstream.reset(async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      while (!reply.socket.destroyed) {
        await reply.raw('x');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/slow'));
    expect((await connection.readResponse()).ending).toBe('cut');
    connection.close();
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
