import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http2-agent.ts';
import { connectHead, openRaw } from '../support/raw-agent.ts';
import { startHttp2Upstream, type Http2Upstream } from '../support/http2-upstream.ts';
import { waitUntil, within } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const asking = 'asking.example';
let world: World;
let upstream: Http2Upstream;
beforeAll(async () => {
  world = await startWorld({
    beside: async (authority) => {
      upstream = await startHttp2Upstream(authority, [asking]);
      return [`${asking}:443=127.0.0.1:${upstream.port}`];
    },
  });
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [{ allow: { hosts: [boundHost], paths: ['/v1/**'] } }, { allow: { hosts: [asking], http2: true } }],
  });
  await waitUntil('the host that asks can be reached', async () => {
    (await openOfferingBoth(asking)).destroy();
    return true;
  });
});
afterAll(async () => {
  await world?.stop();
  await upstream?.close();
});

/** The TLS socket of a tunnel in which both protocols were offered, as browsers and curl do. */
async function openOfferingBoth(host: string): Promise<TLSSocket> {
  const raw = await openRaw(world.onecli.proxyPort);
  raw.send(connectHead(`${host}:443`, world.agent, world.token));
  const answer = await raw.readResponse('CONNECT');
  if (answer.status !== 200) throw new Error(`the tunnel did not open: ${answer.text}`);
  const socket = connectTls({
    socket: raw.release(),
    servername: host,
    ca: world.caPem,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  socket.on('error', () => undefined);
  await within('the TLS handshake', once(socket, 'secureConnect'), 10_000);
  return socket;
}

describe('a client that offers HTTP/2 and HTTP/1.1', () => {
  it('gets HTTP/1.1 where no rule asks for more', async () => {
    const socket = await openOfferingBoth(boundHost);
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  it('gets HTTP/2 on a host whose rule asks for it, and is told to go when the worker ends', async () => {
    const socket = await openOfferingBoth(asking);
    expect(socket.alpnProtocol).toBe('h2');
    const session = connect(`https://${asking}`, { createConnection: () => socket });
    session.on('error', () => undefined);
    const goneAway = once(session, 'goaway') as Promise<[code: number]>;
    expect(await request(session, { ':path': '/any' })).toMatchObject({ status: 200, text: '{"ok":true}' });
    const stopping = world.onecli.stop();
    const [code] = await within('GOAWAY', goneAway, 10_000);
    expect(code).toBe(0);
    await stopping;
  });
});
