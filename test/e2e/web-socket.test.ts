import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openWebSocket } from '../support/web-socket-client.ts';
import { deflateHost, plainHost, startWebSocketWorld, type WebSocketWorld } from '../support/web-socket-world.ts';

let world: WebSocketWorld;
beforeAll(async () => {
  world = await startWebSocketWorld();
});
beforeEach(() => {
  for (const upstream of [world.deflate, world.plain]) {
    upstream.messages.length = 0;
    upstream.requests.length = 0;
    upstream.closeCodes.length = 0;
  }
});
afterAll(() => world?.stop());

const kinds = [
  { what: 'without compression', host: plainHost, path: '/watched/a', isLookedInto: false, isCompressed: false },
  { what: 'compressed', host: deflateHost, path: '/watched/a', isLookedInto: false, isCompressed: true },
  { what: 'looked into', host: plainHost, path: '/v1/a', isLookedInto: true, isCompressed: false },
  { what: 'compressed and looked into', host: deflateHost, path: '/v1/a', isLookedInto: true, isCompressed: true },
];

function upstreamOf(host: string): WebSocketWorld['plain'] {
  return host === plainHost ? world.plain : world.deflate;
}

describe.each(kinds)('a WebSocket of `ws`, $what', ({ host, path, isLookedInto, isCompressed }) => {
  it('text, binary data, pings and the close go through', async () => {
    const client = await openWebSocket(world.world, `wss://${host}${path}`, { perMessageDeflate: true });
    expect(client.socket.extensions).toBe(isCompressed ? 'permessage-deflate' : '');
    const data = randomBytes(300_000);
    expect(await client.ask('hello')).toBe('hello');
    expect(await client.ask('')).toBe('');
    expect(await client.ask('grüße 😀')).toBe('grüße 😀');
    expect(await client.ask(data)).toEqual(data);
    const long = 'long '.repeat(500_000);
    expect(await client.ask(long)).toBe(long);
    for (let index = 0; index < 50; index++) expect(await client.ask(`again ${index}`)).toBe(`again ${index}`);
    client.socket.ping('are you there');
    await waitUntil('a pong', () => client.pongs.length > 0);
    expect(client.pongs).toEqual(['are you there']);
    client.socket.send('close 4001 good bye');
    expect(await client.untilClosed()).toEqual({ code: 4001, reason: 'good bye' });
    await waitUntil('the upstream has its Close', () => upstreamOf(host).closeCodes.length > 0);
    expect(upstreamOf(host).closeCodes).toEqual([4001]);
  });

  it('a message in fragments arrives as one', async () => {
    const client = await openWebSocket(world.world, `wss://${host}${path}`, { perMessageDeflate: true });
    for (const text of ['one ', 'two ']) client.socket.send(text, { fin: false });
    expect(await client.ask('three')).toBe('one two three');
    client.socket.close(1000, 'done');
    expect(await client.untilClosed()).toEqual({ code: 1000, reason: 'done' });
  });

  it('a credential in the handshake is placed, and one in a message where it is bound', async () => {
    const headers = { authorization: `Bearer onecli://prod/${isLookedInto ? 'realtime' : 'header-only'}` };
    const client = await openWebSocket(world.world, `wss://${host}${path}`, { perMessageDeflate: true, headers });
    const value = isLookedInto ? world.realtime : world.headerOnly;
    expect(upstreamOf(host).requests[0]?.headers.authorization).toBe(`Bearer ${value}`);
    if (isLookedInto) {
      client.socket.send('{"token":"onecli://prod/');
      client.socket.send('{"type":"auth","token":"Bearer onecli://prod/realtime"}');
      await waitUntil('the messages', () => upstreamOf(host).messages.length === 2);
      expect(upstreamOf(host).messages[1]).toBe(`{"type":"auth","token":"Bearer ${value}"}`);
      await waitUntil('the echo', () => client.messages.length === 2);
      expect(client.messages[1]).toBe('{"type":"auth","token":"Bearer onecli://prod/realtime"}');
    }
    client.socket.close(1000);
    await client.untilClosed();
  });

  it('is one audit event, written when it ends', async () => {
    const since = Date.now() - 1;
    const client = await openWebSocket(world.world, `wss://${host}${path}/audit`);
    if (isLookedInto) await client.ask('onecli://prod/realtime');
    await client.ask('123456789');
    client.socket.close(1000);
    await client.untilClosed();
    const events = (await world.world.auditSince(since)).filter((item) => item.path.endsWith('/audit'));
    expect(events).toMatchObject([{ status: 101, method: 'GET', decision: 'allow', reason: 'ALLOWED', host }]);
    expect(events[0]?.secrets).toEqual(isLookedInto ? ['prod/realtime@1'] : []);
    expect(events[0]?.requestBytes).toBeGreaterThanOrEqual(9);
    expect(events[0]?.responseBytes).toBeGreaterThanOrEqual(9);
  });
});

describe('the handshake', () => {
  it("an upstream's refusal is an ordinary answer, and the connection goes on", async () => {
    const connection = await world.world.tunnel({ authority: `${plainHost}:443` });
    const upgrade = `GET /v1/refused HTTP/1.1\r\nHost: ${plainHost}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    connection.send(upgrade);
    const refused = await connection.readResponse();
    expect([refused.status, refused.text]).toEqual([401, 'no key']);
    connection.close();
  });

  it('a subprotocol is agreed on', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`, { protocols: ['other', 'chat'] });
    expect(client.socket.protocol).toBe('chat');
    client.socket.terminate();
  });
});

describe('ends without a close', () => {
  it('an upstream that vanishes cuts the agent: no clean close', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`);
    client.socket.send('cut');
    expect(await client.untilClosed()).toEqual({ code: 1006, reason: '' });
  });

  it('an agent that vanishes cuts the upstream', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`);
    await client.ask('there');
    client.socket.terminate();
    await waitUntil('the upstream is cut', () => world.plain.closeCodes.length > 0);
    expect(world.plain.closeCodes).toEqual([1006]);
  });
});

describe('what changes while it is open', () => {
  it('a placeholder gets the value that is current when it is sent', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`);
    const next = `${world.realtime}-next`;
    await world.world.onecli.must('PUT', '/api/secrets/prod%2Frealtime', { value: next });
    await waitUntil('the new value is sent', async () => {
      await client.ask('onecli://prod/realtime');
      return world.plain.messages.at(-1) === next;
    });
    client.socket.terminate();
  });

  it('an agent that is disabled loses its WebSocket', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`);
    await client.ask('allowed');
    await world.world.onecli.must('PUT', `/api/agents/${world.world.agent}`, { disabled: true });
    // Nobody says anything: it is the new configuration that ends it.
    expect((await client.untilClosed()).code).toBe(1008);
    await world.world.onecli.must('PUT', `/api/agents/${world.world.agent}`, { disabled: false });
    await waitUntil('the agent is back', async () => {
      const connection = await world.world.tunnel({ authority: `${plainHost}:443` });
      connection.close();
      return true;
    });
  });
});

function hasPythonWebsockets(): boolean {
  return spawnSync('/usr/bin/python3', ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0;
}

describe.skipIf(!hasPythonWebsockets())('Python websockets (skipped without python3-websockets)', () => {
  it('text, fragments, binary data, compression, a placeholder in a message, close, a refusal', async () => {
    const script = join(import.meta.dirname, 'clients/websockets_client.py');
    const result = await runAsAgent(world.world, ['/usr/bin/python3', script]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const whole = { echoed: ['hello', 'fragmented'], isSame: true, code: 4001, reason: 'bye' };
    expect(JSON.parse(result.stdout)).toEqual({
      deflate: { ...whole, extensions: ['permessage-deflate'] },
      plain: { ...whole, extensions: [] },
      refused: 401,
    });
  });
});

describe('draining', () => {
  it('a worker that ends tells both ends with 1001', async () => {
    const client = await openWebSocket(world.world, `wss://${plainHost}/v1/a`);
    await client.ask('open');
    for (const pid of world.world.onecli.pidsOf('worker')) process.kill(pid, 'SIGTERM');
    expect((await client.untilClosed()).code).toBe(1001);
    await waitUntil('the upstream is told', () => world.plain.closeCodes.length > 0);
    expect(world.plain.closeCodes).toEqual([1001]);
  });
});

describe('afterwards', () => {
  it('no key is anywhere but at the upstreams', () => {
    expectCanariesNowhere(world.world);
    expect(canariesIn(world.world.onecli.log, [world.realtime, world.headerOnly])).toEqual([]);
  });
});
