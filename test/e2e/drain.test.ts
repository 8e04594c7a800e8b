import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ start: { env: { ONECLI_DRAIN_WAIT_MS: '4000', ONECLI_DRAIN_MS: '3000' } } });
});
afterAll(() => world?.stop());

describe('a worker that is told to stop', () => {
  it('says first that it is not ready and serves on, then lets requests finish, cuts the rest and ends with 0', async () => {
    const { proxyUrl, proxyPort } = world.onecli;
    let finish: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      world.upstream.handler = async (request, reply) => {
        if (request.target === '/v1/quick') return reply.json(200, {});
        await reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun');
        if (request.target === '/v1/finishes') finish = () => void reply.raw('ended');
        else resolve();
      };
    });
    const [finishing, endless, idle] = [await world.tunnel(), await world.tunnel(), await world.tunnel()];
    finishing.send(requestBytes('GET', '/v1/finishes'));
    endless.send(requestBytes('GET', '/v1/endless'));
    await begun;

    world.onecli.child.kill('SIGTERM');
    const health = await waitUntil('it is not ready', async () => {
      const answer = await callApi(proxyUrl, 'GET', '/health');
      return answer.status === 503 ? answer : undefined;
    });
    expect(health.json).toMatchObject({ status: 'draining' });
    const late = await openTunnel({ proxyPort, token: world.token, ca: world.caPem });
    if (late.kind !== 'open') throw new Error('a tunnel was refused although the port is open');
    late.connection.send(requestBytes('GET', '/v1/quick'));
    const last = await late.connection.readResponse();
    expect([last.status, last.header('connection')]).toEqual([200, 'close']);

    await idle.untilClosed(20_000);
    finish();
    expect((await finishing.readResponse()).text).toBe('begunended');
    await endless.untilClosed(20_000);
    expect((await endless.readResponse().catch(() => undefined))?.ending ?? 'cut').toBe('cut');
    expect(await world.onecli.exitCode()).toBe(0);
  });
});
