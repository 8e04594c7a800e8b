// A WebSocket: the handshake is judged like any request, frames are read strictly, and nothing unjudged gets through.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectClosed, expectRefusal } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { RawResponse } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import {
  deflateOffer,
  expectClose,
  frame,
  handshake,
  key,
  openByHand,
  type Opened,
  switching,
} from '../support/web-socket-by-hand.ts';
import { startWebSocketWorld, type WebSocketWorld } from '../support/web-socket-world.ts';

let sockets: WebSocketWorld;
beforeAll(async () => {
  sockets = await startWebSocketWorld();
});
afterAll(() => sockets?.stop());

const open = (...how: [path?: string, extra?: Record<string, string>, answered?: string]): Promise<Opened> =>
  openByHand(sockets.world, ...how);

const agreed = switching({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });

function compressed(data: Buffer): Buffer {
  return deflateRawSync(data, { finishFlush: 2 }).subarray(0, -4);
}

describe('the handshake is read strictly', () => {
  const upgrade = (fields: Record<string, string | string[]>): Buffer =>
    requestBytes('GET', '/v1/ws', { ...handshake, ...fields });

  it.each<[string, Buffer]>([
    [
      'h2c',
      requestBytes('GET', '/v1/x', { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAA' }),
    ],
    ['a choice of protocols', upgrade({ upgrade: 'websocket, h2c' })],
    ['two Upgrade fields', upgrade({ upgrade: ['websocket', 'websocket'] })],
    ['TLS', upgrade({ upgrade: 'TLS/1.0' })],
  ])('%s is not upgraded to', async (_what, bytes) => {
    expectRefusal(await attack(sockets.world, { bytes }), 501, 'UNSUPPORTED_UPGRADE');
  });

  it.each<[string, Buffer]>([
    ['no Connection: Upgrade', upgrade({ connection: 'keep-alive' })],
    ['POST', requestBytes('POST', '/v1/ws', handshake)],
    ['HTTP/1.0', Buffer.from(upgrade({}).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1')],
    ['a body', requestBytes('GET', '/v1/ws', handshake, 'body')],
    ['a chunked body', requestBytes('GET', '/v1/ws', { ...handshake, 'transfer-encoding': 'chunked' }, '0\r\n\r\n')],
    ['a short key', upgrade({ 'sec-websocket-key': 'c2hvcnQ=' })],
    ['two keys', upgrade({ 'sec-websocket-key': [key, key] })],
    ['version 8', upgrade({ 'sec-websocket-version': '8' })],
    ['malformed extensions', upgrade({ 'sec-websocket-extensions': 'permessage-deflate; =' })],
  ])('%s is refused', async (_what, bytes) => {
    expectRefusal(await attack(sockets.world, { bytes }), 400, 'BAD_REQUEST');
  });

  it('policy is asked first', async () => {
    const bytes = requestBytes('GET', '/elsewhere', handshake);
    expectRefusal(await attack(sockets.world, { bytes }), 403, 'POLICY_DENIED');
  });

  it('a placeholder in it that is not granted refuses it', async () => {
    const bytes = requestBytes('GET', '/v1/ws', { ...handshake, authorization: 'Bearer onecli://prod/stripe' });
    expectRefusal(await attack(sockets.world, { bytes }), 403, 'PLACEHOLDER_NOT_GRANTED');
  });

  it('what follows an upgrade that we refuse is not served at all', async () => {
    const smuggled = requestBytes('GET', '/v1/smuggled');
    const bytes = Buffer.concat([requestBytes('GET', '/v1/x', { connection: 'Upgrade', upgrade: 'h2c' }), smuggled]);
    const outcome = await attack(sockets.world, { bytes });
    expectRefusal(outcome, 501, 'UNSUPPORTED_UPGRADE');
    await expectClosed(outcome);
    expect(outcome.connection?.unread()).toHaveLength(0);
    expect(sockets.world.upstream.receivedBytes().toString('latin1')).not.toContain('smuggled');
  });

  it('what follows an upgrade that the upstream refuses is read as requests, each judged by itself', async () => {
    const { world } = sockets;
    world.upstream.reset((_request, reply) => reply.send(401, {}, 'no key'));
    const connection = await world.tunnel();
    const hidden = frame(0x81, 'GET /v1/hidden HTTP/1.1\r\nHost: api.openai.com\r\n\r\n', true);
    connection.send(
      Buffer.concat([requestBytes('GET', '/v1/ws', handshake), requestBytes('GET', '/forbidden'), hidden]),
    );
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await connection.readResponse()).status);
    expect(statuses).toEqual([401, 403, 400]);
    await connection.untilClosed();
    expect(world.upstream.requests.map((request) => request.target)).toEqual(['/v1/ws']);
  });

  it('only extensions that we understand are offered to the upstream, and hop-by-hop headers are ours', async () => {
    const fields = {
      connection: 'Upgrade, X-Secret-Hop',
      'x-secret-hop': 'gone',
      'sec-websocket-extensions': 'x-evil; a=b, permessage-deflate; client_max_window_bits, permessage-deflate; mux=1',
    };
    const opened = await open('/v1/ws', fields);
    const [request] = sockets.world.upstream.requests;
    expect(request?.all('sec-websocket-extensions')).toEqual(['permessage-deflate; client_max_window_bits']);
    expect(request?.all('connection')).toEqual(['Upgrade']);
    expect(request?.header('x-secret-hop')).toBeUndefined();
    opened.connection.close();
  });
});

describe("the upstream's answer is judged", () => {
  async function askFor(answered: string, headers: Record<string, string>): Promise<RawResponse> {
    sockets.world.upstream.reset((_request, reply) => reply.raw(answered));
    const connection = await sockets.world.tunnel();
    connection.send(requestBytes('GET', '/v1/ws', headers));
    const answer = await connection.readResponse();
    sockets.world.upstream.reset((_request, reply) => reply.json(200, { ok: true }));
    connection.send(requestBytes('GET', '/v1/after'));
    expect((await connection.readResponse()).json).toEqual({ ok: true });
    expect(sockets.world.upstream.requests[0]?.connection).toBeGreaterThan(-1);
    connection.close();
    return answer;
  }

  it.each([
    ['a wrong Accept', switching({ 'Sec-WebSocket-Accept': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }), handshake],
    ['no Accept', switching({ 'Sec-WebSocket-Accept': undefined }), handshake],
    ['no Upgrade', switching({ Upgrade: undefined }), handshake],
    ['another protocol', switching({ Upgrade: 'h2c' }), handshake],
    ['no Connection', switching({ Connection: undefined }), handshake],
    ['an extension that was not offered', switching({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }), handshake],
    ['a subprotocol that was not offered', switching({ 'Sec-WebSocket-Protocol': 'chat' }), handshake],
    ['a 101 that nobody asked for', switching(), {}],
  ])('%s is a 502, and the connection goes on', async (_what, answered, headers) => {
    const answer = await askFor(answered, headers as Record<string, string>);
    expect([answer.status, answer.header('x-onecli-error')]).toEqual([502, 'UPSTREAM_INVALID']);
  });

  it('a refusal goes to the agent as it is, and its upstream connection is not used again', async () => {
    const answered = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope';
    sockets.world.upstream.dropConnections();
    const answer = await askFor(answered, handshake);
    expect([answer.status, answer.text]).toEqual([403, 'nope']);
  });

  it('bytes that come with the refusal are never an answer to the next request', async () => {
    const answered = `HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`;
    expect((await askFor(answered, handshake)).status).toBe(403);
  });
});

describe('frames are read strictly', () => {
  it.each<[string, Buffer, number]>([
    ['a frame that is not masked', frame(0x81, 'hello', false), 1002],
    ['a reserved bit', frame(0xc1, 'hello', true), 1002],
    ['an unknown opcode', frame(0x83, 'hello', true), 1002],
    ['an oversize ping', frame(0x89, 'x'.repeat(126), true), 1002],
    ['a fragmented ping', frame(0x09, 'x', true), 1002],
    ['a continuation of nothing', frame(0x80, 'x', true), 1002],
    ['text that is not UTF-8', frame(0x81, Buffer.from([0xc0, 0x80]), true), 1007],
    ['a Close with 1006', frame(0x88, Buffer.from([0x03, 0xee]), true), 1002],
  ])('%s ends the WebSocket, and nothing of it goes on', async (_what, bytes, code) => {
    for (const path of ['/v1/ws', '/watched/ws']) {
      const opened = await open(path);
      opened.connection.send(bytes);
      await expectClose(opened, code);
      expect(opened.upstreamPayload()).toBe('');
      expect(await opened.event()).toMatchObject({ status: 101, reason: 'BAD_REQUEST', decision: 'allow' });
    }
  });

  it.each<[string, Buffer]>([
    ['a masked frame', frame(0x81, 'hello', true)],
    ['a reserved bit', frame(0xc1, 'hello', false)],
    ['garbage', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  ])('%s of an upstream cuts the agent', async (_what, bytes) => {
    const opened = await open();
    await opened.reply.raw(bytes);
    expect(await opened.connection.untilClosed()).toBe('reset');
    expect(opened.agentBytes()).toHaveLength(0);
    expect(await opened.event()).toMatchObject({ status: 101, reason: 'UPSTREAM_INVALID' });
  });

  it('frames that came with the 101 reach the agent after it', async () => {
    const opened = await open('/v1/ws', {}, switching() + frame(0x81, 'at once', false).toString('latin1'));
    expect(opened.answer.status).toBe(101);
    await waitUntil('the frame', () => opened.agentBytes().toString().includes('at once'));
    opened.connection.close();
  });

  it('an upstream that ends without a Close cuts the agent', async () => {
    const opened = await open();
    opened.reply.end();
    expect(await opened.connection.untilClosed()).toBe('reset');
    expect(await opened.event()).toMatchObject({ status: 101, reason: 'UPSTREAM_INVALID' });
  });
});

describe('placeholders in messages', () => {
  it('one in fragments, cut anywhere, is replaced, and leaves masked', async () => {
    const text = '{"token":"onecli://prod/realtime"}';
    for (const cut of [1, 10, 14, 20, 31, 33]) {
      const opened = await open();
      opened.connection.send(frame(0x01, text.slice(0, cut), true));
      opened.connection.send(frame(0x89, 'between', true));
      opened.connection.send(frame(0x80, text.slice(cut), true));
      await waitUntil('the message', () => opened.upstreamPayload().includes('"}'));
      expect(opened.upstreamPayload()).toBe(`between{"token":"${sockets.realtime}"}`);
      expect(sockets.world.upstream.receivedBytes().includes(sockets.realtime)).toBe(false);
      opened.connection.close();
      expect((await opened.event()).secrets).toEqual(['prod/realtime@1']);
    }
  });

  it.each([
    ['not granted', 'onecli://prod/stripe', 'PLACEHOLDER_NOT_GRANTED'],
    ['that does not exist', 'onecli://prod/absent', 'PLACEHOLDER_NOT_GRANTED'],
    ['not bound to messages', 'onecli://prod/header-only', 'PLACEHOLDER_NOT_BOUND'],
    ['in another spelling', 'onecli:\\/\\/prod\\/realtime', 'PLACEHOLDER_NOT_BOUND'],
  ])('one %s, as a value, ends the WebSocket with 1008 and is a finding', async (_what, placeholder, reason) => {
    const opened = await open();
    opened.connection.send(frame(0x81, `{"token":"${placeholder}"}`, true));
    await expectClose(opened, 1008);
    expect(opened.upstreamPayload()).toBe('');
    const event = await opened.event();
    expect(event).toMatchObject({ status: 101, decision: 'deny', reason, secrets: [] });
    expect(event).toMatchObject({ findings: [{ kind: reason, place: 'message' }] });
  });

  it('one that is granted beside one that is not: neither leaves', async () => {
    const opened = await open();
    opened.connection.send(frame(0x81, '{"a":"onecli://prod/realtime","b":"onecli://prod/stripe"}', true));
    await expectClose(opened, 1008);
    expect(opened.upstreamPayload()).toBe('');
  });

  it('where no secret is bound to messages, one as a value ends the WebSocket and one in running text is a finding', async () => {
    const value = await open('/watched/ws');
    value.connection.send(frame(0x01, '{"token":"onecli://pr', true));
    value.connection.send(frame(0x80, 'od/realtime"}', true));
    await expectClose(value, 1008);
    expect(value.upstreamPayload()).not.toContain('realtime');
    expect(await value.event()).toMatchObject({ decision: 'deny', reason: 'PLACEHOLDER_NOT_BOUND' });

    const mention = await open('/watched/ws');
    mention.connection.send(frame(0x81, '{"prompt":"my .env has KEY=onecli://prod/realtime in it"}', true));
    await waitUntil('the message', () => mention.upstreamPayload().includes('in it'));
    expect(mention.upstreamPayload()).toContain('onecli://prod/realtime');
    mention.connection.close();
    expect(await mention.event()).toMatchObject({ findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'message' }] });
  });

  it('a message too long to be held is not replaced in', async () => {
    const opened = await open();
    const text = `${'x'.repeat(1024 * 1024)} onecli://prod/realtime end`;
    opened.connection.send(frame(0x81, text, true));
    await waitUntil('the message', () => opened.upstreamPayload().endsWith(' end'));
    expect(canariesIn(opened.upstreamPayload(), [sockets.realtime])).toEqual([]);
    opened.connection.close();
    expect(await opened.event()).toMatchObject({ secrets: [], findings: [{ kind: 'PLACEHOLDER_IN_BODY' }] });
  });
});

describe('what an upstream echoes', () => {
  it.each([
    ['that left with the handshake', { authorization: 'Bearer onecli://prod/header-only' }, '/watched/ws', false],
    ['that left in a message', {}, '/v1/ws', true],
  ])('a secret %s goes to the agent as its placeholder, cut anywhere', async (_what, extra, path, isInMessage) => {
    const opened = await open(path, extra as Record<string, string>);
    const [value, placeholder] = isInMessage
      ? [sockets.realtime, 'onecli://prod/realtime']
      : [sockets.headerOnly, 'onecli://prod/header-only'];
    if (isInMessage) {
      opened.connection.send(frame(0x81, placeholder, true));
      await waitUntil('the secret', () => opened.upstreamPayload() === value);
    }
    for (const cut of [1, value.length >> 1, value.length - 1]) {
      await opened.reply.raw(frame(0x01, `a ${value.slice(0, cut)}`, false));
      await opened.reply.raw(frame(0x80, `${value.slice(cut)} b`, false));
    }
    await opened.reply.raw(frame(0x82, Buffer.from(value).toString('base64'), false));
    await opened.reply.raw(frame(0x81, 'end', false));
    await waitUntil('the last message', () => opened.agentBytes().toString('latin1').endsWith('end'));
    expect(canariesIn(opened.agentBytes(), [value])).toEqual([]);
    expect(opened.agentBytes().toString('latin1').split(placeholder)).toHaveLength(5);
    opened.connection.close();
    expect((await opened.event()).findings).toEqual([{ kind: 'SECRET_IN_RESPONSE', place: 'message' }]);
  });

  it('a secret in a compressed message is found', async () => {
    const opened = await open('/v1/ws', { ...deflateOffer, authorization: 'Bearer onecli://prod/realtime' }, agreed);
    await opened.reply.raw(frame(0xc1, compressed(Buffer.from(`echo: ${sockets.realtime}`)), false));
    await opened.reply.raw(frame(0x81, 'end', false));
    await waitUntil('the last message', () => opened.agentBytes().toString('latin1').endsWith('end'));
    const [, length = 0] = opened.agentBytes();
    const payload = Buffer.concat([opened.agentBytes().subarray(2, 2 + length), Buffer.from([0, 0, 0xff, 0xff, 3, 0])]);
    expect(inflateRawSync(payload).toString()).toBe('echo: onecli://prod/realtime');
    opened.connection.close();
  });

  it('a secret in the head of the 101 is taken out', async () => {
    const extra = { authorization: 'Bearer onecli://prod/realtime' };
    const opened = await open('/v1/ws', extra, switching({ 'X-Echo': `Bearer ${sockets.realtime}` }));
    expect(opened.answer.status).toBe(101);
    expect(opened.answer.header('x-echo')).toBe('Bearer onecli://prod/realtime');
    opened.connection.close();
  });

  it.each([
    ['a ping', 0x89, Buffer.alloc(0)],
    ['a pong', 0x8a, Buffer.alloc(0)],
    ['the reason of a Close', 0x88, Buffer.from([0x0f, 0xa1])],
  ])('a secret in %s goes to the agent as its placeholder', async (_what, first, code) => {
    const opened = await open('/watched/ws', { authorization: 'Bearer onecli://prod/header-only' });
    const said = Buffer.concat([code, Buffer.from(`not good: ${sockets.headerOnly}.`)]);
    await opened.reply.raw(frame(first, said, false));
    await waitUntil('the frame', () => opened.agentBytes().toString('latin1').endsWith('.'));
    expect(canariesIn(opened.agentBytes(), [sockets.headerOnly])).toEqual([]);
    expect(opened.agentBytes().toString('latin1')).toContain('not good: onecli://prod/header-only.');
    opened.connection.close();
    expect((await opened.event()).findings).toEqual([{ kind: 'SECRET_IN_RESPONSE', place: 'message' }]);
  });
});

describe('compression', () => {
  it('a bomb is refused, and the worker stays as small as it was', async () => {
    const before = sockets.world.onecli.residentBytes('worker');
    const opened = await open('/v1/ws', deflateOffer, agreed);
    const bomb = compressed(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    opened.connection.send(frame(0xc1, bomb, true));
    await expectClose(opened, 1009);
    expect(sockets.world.onecli.residentBytes('worker') - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('what is not deflate data is refused', async () => {
    const opened = await open('/v1/ws', deflateOffer, agreed);
    opened.connection.send(frame(0xc1, Buffer.from([0xff, 0xff, 0xff, 0xff]), true));
    await expectClose(opened, 1007);
  });

  it('a placeholder that only inflating shows is judged', async () => {
    const opened = await open('/v1/ws', deflateOffer, agreed);
    opened.connection.send(frame(0xc1, compressed(Buffer.from('{"token":"onecli://prod/stripe"}')), true));
    await expectClose(opened, 1008);
    expect(opened.upstreamPayload()).toBe('');
  });
});

describe('afterwards', () => {
  it('a WebSocket that was upgraded is not in the pool, and no secret is anywhere', async () => {
    const outcome = await attack(sockets.world, { bytes: requestBytes('GET', '/v1/plain') });
    expect(outcome.answer.status).toBe(200);
    expectCanariesNowhere(sockets.world);
    expect(canariesIn(sockets.world.onecli.log, [sockets.realtime, sockets.headerOnly])).toEqual([]);
  });

  it('a body with an upgrade ends the connection', async () => {
    const bytes = requestBytes('GET', '/v1/ws', handshake, 'GET /v1/smuggled HTTP/1.1\r\n\r\n');
    await expectClosed(await attack(sockets.world, { bytes }));
    expect(sockets.world.upstream.receivedBytes().toString('latin1')).not.toContain('smuggled');
  });
});
