import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openHttp2Session, outcomeOf, request, untilReachable } from '../support/http2-agent.ts';
import { answerOk, type Http2Upstream, startHttp2Upstream } from '../support/http2-upstream.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, putSecret, startWorld, type World } from '../support/world.ts';

const host = 'h2.example';
const key = 'sk-h2-0123456789abcdef';
let world: World;
let upstream: Http2Upstream;
const sessions: ClientHttp2Session[] = [];
beforeAll(async () => {
  world = await startWorld({
    beside: async (authority) => {
      upstream = await startHttp2Upstream(authority, [host]);
      return [`${host}:443=127.0.0.1:${upstream.port}`];
    },
  });
  await putSecret(world.onecli, 'prod/h2', key, [host]);
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts: [boundHost, host], paths: ['/v1/**', '/echo.Echo/*'], secrets: ['prod/openai', 'prod/h2'] } },
    ],
  });
  await untilReachable(world, host);
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
  upstream.reset(answerOk);
});
afterAll(async () => {
  await world?.stop();
  await upstream?.close();
});

async function open(to = host): Promise<ClientHttp2Session> {
  const session = await openHttp2Session(world, to);
  sessions.push(session);
  return session;
}

describe('HTTP/2 through CONNECT', () => {
  it('goes to an HTTP/2 upstream with the real key, and the answer comes back', async () => {
    const session = await open();
    const outcome = await request(session, { ':path': '/v1/x', authorization: 'Bearer onecli://prod/h2' });
    expect(outcome).toMatchObject({ status: 200, text: '{"ok":true}', hasEnded: true, rstCode: 0 });
    expect(upstream.requests[0]?.headers).toMatchObject({
      ':method': 'GET',
      ':authority': host,
      ':scheme': 'https',
      ':path': '/v1/x',
      te: 'trailers',
      authorization: `Bearer ${key}`,
    });
  });

  it('goes to an HTTP/1.1 upstream where that is what the upstream speaks', async () => {
    const session = await open(boundHost);
    for (let round = 0; round < 2; round += 1) {
      const outcome = await request(
        session,
        { ':method': 'POST', ':path': '/v1/x', cookie: ['a=1', 'b=2'], authorization: 'Bearer onecli://prod/openai' },
        'hello',
      );
      expect(outcome).toMatchObject({ status: 200, text: '{"ok":true}' });
    }
    const [seen] = world.upstream.requests;
    expect(seen?.header('authorization')).toBe(`Bearer ${world.canary}`);
    expect(seen?.header('cookie')).toBe('a=1; b=2');
    expect((await seen?.body())?.toString()).toBe('hello');
  });

  it('carries trailers both ways, and interim answers', async () => {
    upstream.reset((stream) => {
      stream.on('end', () => {
        stream.additionalHeaders({ ':status': 103, link: '</a>' });
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc' }));
        stream.end('payload');
      });
    });
    const session = await open();
    const stream = session.request(
      { ':method': 'POST', ':path': '/v1/x' },
      { endStream: false, waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-up': 'def' }));
    stream.end('body');
    expect(await outcomeOf(stream)).toMatchObject({
      status: 200,
      interim: [103],
      text: 'payload',
      trailers: { 'x-sum': 'abc' },
    });
    await waitUntil('the upstream has it all', () => upstream.requests[0]?.isWhole);
    expect(upstream.requests[0]).toMatchObject({ trailers: { 'x-up': 'def' } });
  });

  it('shares one connection among the streams of an agent', async () => {
    const before = upstream.connections;
    const session = await open();
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, index) => request(session, { ':path': `/v1/${index}` })),
    );
    expect(all.every(({ status }) => status === 200)).toBe(true);
    expect(upstream.connections - before).toBeLessThanOrEqual(1);
  });

  it('records each stream once', async () => {
    const since = Date.now() - 1;
    const session = await open();
    await Promise.all([1, 2, 3].map((index) => request(session, { ':path': `/v1/audit/${index}` })));
    const events = (await world.auditSince(since)).filter(({ path }) => path.startsWith('/v1/audit/'));
    expect(events.map(({ path, decision, status }) => `${path} ${decision} ${status}`).sort()).toEqual([
      '/v1/audit/1 allow 200',
      '/v1/audit/2 allow 200',
      '/v1/audit/3 allow 200',
    ]);
  });
});
