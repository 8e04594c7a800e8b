// What was allowed and is not any more ends at once, also where nobody says anything (rule 2).
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openHttp2Session, outcomeOf } from '../support/http2-agent.ts';
import { openRaw, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { waitUntil, within } from '../support/wait-until.ts';
import { openWebSocket } from '../support/web-socket-client.ts';
import { plainHost, startWebSocketWorld, type WebSocketWorld } from '../support/web-socket-world.ts';
import { boundHost, type World } from '../support/world.ts';

let sockets: WebSocketWorld;
let world: World;
beforeAll(async () => {
  sockets = await startWebSocketWorld();
  world = sockets.world;
});
afterAll(() => sockets?.stop());

/** Begins an answer and says no more. */
function answerWithoutEnd(): void {
  world.upstream.reset((_request, reply) => {
    void reply.raw(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
    );
  });
}

const policy = (paths: string[], others: unknown[] = []): Promise<unknown> =>
  world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts: [boundHost, plainHost], paths, secrets: ['prod/openai', 'prod/realtime'] } },
      { allow: { hosts: ['pinned.example'], tunnel: true } },
      ...others,
    ],
  });
const setDisabled = (isDisabled: boolean): Promise<unknown> =>
  world.onecli.must('PUT', `/api/agents/${world.agent}`, { disabled: isDisabled });

async function untilBack(): Promise<void> {
  await waitUntil('the agent may come in and reach everything', async () => {
    const connection = await world.tunnel();
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    connection.send(requestBytes('GET', '/v1/models'));
    const { status } = await connection.readResponse();
    connection.close();
    return status === 200;
  });
}

/** Waits until an answer has begun to arrive. */
async function begun(connection: RawConnection): Promise<void> {
  await waitUntil('the answer has begun', () => connection.received().toString('latin1').includes('hi'));
}

const lastEvent = (path: string): Promise<{ decision: string; reason: string }> =>
  waitUntil('it is in the trail', async () => (await world.audit()).find((item) => item.path === path));

beforeEach(async () => {
  await setDisabled(false);
  await policy(['/v1/**']);
  await untilBack();
});

describe('when an agent is disabled', () => {
  it('its idle tunnel is closed', async () => {
    const connection = await world.tunnel();
    await setDisabled(true);
    await connection.untilClosed(20_000);
  });

  it('an answer that streams to it is cut, its upstream is left, and the trail says why', async () => {
    answerWithoutEnd();
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/stream-of-disabled', { authorization: 'Bearer onecli://prod/openai' }));
    await begun(connection);
    await setDisabled(true);
    await connection.untilClosed(20_000);
    expect(connection.received().toString('latin1')).not.toContain('0\r\n\r\n');
    await waitUntil('the upstream is left', () => world.upstream.connections.every(({ closed }) => closed));
    expect(await lastEvent('/v1/stream-of-disabled')).toMatchObject({
      decision: 'deny',
      reason: 'PROXY_AUTH_INVALID',
    });
  });

  it('the same outside of a tunnel, by a base URL', async () => {
    answerWithoutEnd();
    const connection = await openRaw(world.onecli.proxyPort);
    const credentials = { 'proxy-authorization': proxyCredentials(world.agent, world.token) };
    connection.send(requestBytes('GET', `/to/${boundHost}/v1/base-of-disabled`, { host: 'localhost', ...credentials }));
    await begun(connection);
    await setDisabled(true);
    await connection.untilClosed(20_000);
    expect(await lastEvent('/v1/base-of-disabled')).toMatchObject({ decision: 'deny', reason: 'PROXY_AUTH_INVALID' });
  });

  it('its silent WebSocket is closed with 1008', async () => {
    const client = await openWebSocket(world, `wss://${plainHost}/v1/silent`);
    await setDisabled(true);
    expect((await client.untilClosed()).code).toBe(1008);
    await waitUntil('its upstream is left', () => sockets.plain.server.clients.size === 0);
  });

  it('its HTTP/2 streams are reset and its connection is closed', async () => {
    answerWithoutEnd();
    const session: ClientHttp2Session = await openHttp2Session(world, boundHost);
    const stream = session.request({ ':path': '/v1/h2-of-disabled', ':authority': boundHost });
    const outcome = outcomeOf(stream);
    await once(stream, 'data');
    const closed = once(session, 'close');
    await setDisabled(true);
    expect((await outcome).hasEnded).toBe(false);
    await within('the session is closed', closed, 20_000);
    expect(await lastEvent('/v1/h2-of-disabled')).toMatchObject({ decision: 'deny', reason: 'PROXY_AUTH_INVALID' });
  });
});

describe('when policy does not allow it any more', () => {
  it('an answer that streams is cut over HTTP/1.1, and a stream over HTTP/2, while another goes on', async () => {
    await policy(['/v1/**', '/v2/**']);
    await waitUntil('both are allowed', async () => {
      const connection = await world.tunnel();
      connection.send(requestBytes('GET', '/v2/x'));
      return (await connection.readResponse()).status === 200;
    });
    answerWithoutEnd();
    const [stays, goes] = [await world.tunnel(), await world.tunnel()];
    stays.send(requestBytes('GET', '/v1/stays'));
    goes.send(requestBytes('GET', '/v2/goes'));
    await Promise.all([begun(stays), begun(goes)]);
    const session = await openHttp2Session(world, boundHost);
    const [kept, reset] = ['/v1/kept', '/v2/reset'].map((path) =>
      session.request({ ':path': path, ':authority': boundHost }),
    );
    if (!kept || !reset) throw new Error('no streams');
    const outcome = outcomeOf(reset);
    kept.on('error', () => undefined);
    await Promise.all([once(kept, 'data'), once(reset, 'data')]);
    await policy(['/v1/**']);
    await goes.untilClosed(20_000);
    expect((await outcome).hasEnded).toBe(false);
    expect(await lastEvent('/v2/goes')).toMatchObject({ decision: 'deny', reason: 'POLICY_DENIED' });
    expect(await lastEvent('/v2/reset')).toMatchObject({ decision: 'deny', reason: 'POLICY_DENIED' });
    expect({ stays: stays.ended, kept: kept.closed }).toEqual({ stays: 'open', kept: false });
    stays.close();
    session.destroy();
  });
});
