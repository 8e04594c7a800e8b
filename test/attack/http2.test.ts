// The rules hold for HTTP/2 streams as they do for HTTP/1.1 requests.
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import {
  openHttp2Session,
  openHttp2Socket,
  request,
  type StreamOutcome,
  untilReachable,
} from '../support/http2-agent.ts';
import { flag, frame, frameType, RawHttp2, requestLines } from '../support/http2-frames.ts';
import { answerOk, type Http2Upstream, startHttp2Upstream } from '../support/http2-upstream.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type AuditItem, boundHost, putSecret, startWorld, type World } from '../support/world.ts';

const host = 'h2.example';
let world: World;
let upstream: Http2Upstream;
const open: { destroy(): unknown }[] = [];
beforeAll(async () => {
  world = await startWorld({
    beside: async (authority) => {
      upstream = await startHttp2Upstream(authority, [host]);
      return [`${host}:443=127.0.0.1:${upstream.port}`];
    },
  });
  await putSecret(world.onecli, 'prod/h2', world.canary, [host]);
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [{ allow: { hosts: [host, boundHost], paths: ['/v1/**'], secrets: ['prod/h2', 'prod/openai'] } }],
  });
  await untilReachable(world, host);
});
afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
  upstream.reset(answerOk);
  world.upstream.reset();
});
afterAll(async () => {
  await world?.stop();
  await upstream?.close();
});

async function session(to = host, servername = to): Promise<ClientHttp2Session> {
  const made = await openHttp2Session(world, to, servername);
  open.push(made);
  return made;
}

async function raw(to = host): Promise<RawHttp2> {
  const socket = await openHttp2Socket(world, to);
  open.push(socket);
  return new RawHttp2(socket);
}

/** The audit events of what `strike` did, once its connection is gone. */
async function eventsOf<T>(strike: () => Promise<T>): Promise<{ result: T; events: AuditItem[] }> {
  const since = Date.now() - 5_000;
  const known = new Set((await world.auditSince(since)).map(({ id }) => id));
  world.upstream.reset();
  const result = await strike();
  for (const one of open.splice(0)) one.destroy();
  const events = (await world.auditSince(since)).filter(({ id }) => !known.has(id));
  return { result, events };
}

/** What the HTTP/1.1 upstream got, but for the requests that mark a place in the audit trail. */
function requestsAtHttp1(): string[] {
  return world.upstream.requests.map(({ target }) => target).filter((target) => !target.startsWith('/v1/marker/'));
}

/** Refused by a whole answer of ours, with nothing at the upstream and one event. */
async function expectRefused(
  status: number,
  code: string,
  strike: () => Promise<StreamOutcome>,
  decision = 'deny',
): Promise<void> {
  const { result, events } = await eventsOf(strike);
  expect({ status: result.status, code: result.headers['x-onecli-error'] }).toEqual({ status, code });
  expect(JSON.parse(result.text)).toMatchObject({ error: { code } });
  expect(canariesIn(JSON.stringify(result), world.canaries)).toEqual([]);
  expect(upstream.requests).toEqual([]);
  expect(requestsAtHttp1()).toEqual([]);
  expect(events.map((event) => `${event.decision} ${event.reason} ${event.status}`)).toEqual([
    `${decision} ${code} ${status}`,
  ]);
}

describe('rule 1: one name', () => {
  it.each(['evil.example', `${host}:8443`, `sub.${host}`])(':authority %s in the tunnel of another host', (authority) =>
    expectRefused(421, 'MISDIRECTED', async () =>
      request(await session(), { ':authority': authority, ':path': '/v1/x', authorization: 'onecli://prod/h2' }),
    ),
  );

  it('a Host that is not :authority', () =>
    expectRefused(421, 'MISDIRECTED', async () =>
      request(await session(), { ':authority': host, host: 'evil.example', ':path': '/v1/x' }),
    ));

  it('an SNI that is not the CONNECT host', () =>
    expectRefused(421, 'MISDIRECTED', async () => request(await session(host, 'evil.example'), { ':path': '/v1/x' })));
});

describe('rules 4, 5 and 7', () => {
  it.each(['/v1/../admin', '/v1/%2e%2e/admin', '/v1/a\\b', '/v1/%00', '/v1/#a', '/v1/%zz'])('the path %s', (path) =>
    expectRefused(400, 'BAD_TARGET', async () => request(await session(), { ':path': path })),
  );

  it('a path that no rule allows', () =>
    expectRefused(403, 'POLICY_DENIED', async () => request(await session(), { ':path': '/admin' })));

  it('a placeholder that is not granted', () =>
    expectRefused(403, 'PLACEHOLDER_NOT_GRANTED', async () =>
      request(await session(), { ':path': '/v1/x', authorization: 'Bearer onecli://prod/stripe' }),
    ));

  it('a placeholder in a body', () =>
    expectRefused(403, 'PLACEHOLDER_NOT_BOUND', async () => {
      const body = '{"key":"onecli://prod/h2"}';
      return request(await session(), { ':method': 'POST', ':path': '/v1/x', 'content-length': body.length }, body);
    }));

  it('a placeholder in trailers never reaches the upstream whole', async () => {
    const stream = (await session()).request(
      { ':method': 'POST', ':path': '/v1/x' },
      { endStream: false, waitForTrailers: true },
    );
    stream.on('error', () => undefined);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-key': 'onecli://prod/h2' }));
    upstream.handler = () => undefined;
    stream.end('body');
    await waitUntil('the upstream stream is over', () => upstream.requests[0]?.rstCode !== undefined);
    expect(upstream.requests[0]).toMatchObject({ trailers: {}, rstCode: 8 });
  });

  it('CONNECT inside a tunnel', async () => {
    const { result, events } = await eventsOf(async () => {
      const connection = await raw();
      connection.sendRequest(
        1,
        [
          [':method', 'CONNECT'],
          [':authority', `${host}:443`],
        ],
        false,
      );
      await connection.outcomeOf(1);
      return connection.textOf(1);
    });
    expect(JSON.parse(result)).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } });
    expect(events.map(({ reason }) => reason)).toEqual(['METHOD_NOT_ALLOWED']);
    expect(upstream.requests).toEqual([]);
  });

  it('proxy and gateway headers go no further', async () => {
    await request(await session(), {
      ':path': '/v1/x',
      'proxy-authorization': 'Basic eA==',
      'x-onecli-agent': 'other',
    });
    const names = upstream.requests[0]?.raw.filter((_, index) => index % 2 === 0);
    expect(names).not.toContain('proxy-authorization');
    expect(names).not.toContain('x-onecli-agent');
  });
});

const lines = requestLines(host);
/** Fields that node:http2 takes out by itself before anybody sees them. */
const unreadable: Record<string, [string, string][]> = {
  'a line feed in a value': [...lines, ['x-a', 'a\nx-b: c']],
  'a carriage return in a value': [...lines, ['x-a', 'a\r\nx-b: c']],
  'a NUL in a value': [...lines, ['x-a', 'a\0x-b\0c']],
  'a line feed in a name': [...lines, ['x-a\nx-b', 'c']],
  'a name with a colon': [...lines, ['x:a', 'b']],
};

const malformed: Record<string, [string, string][]> = {
  'a name in upper case': [...lines, ['X-A', 'b']],
  'Transfer-Encoding': [...lines, ['transfer-encoding', 'chunked']],
  Connection: [...lines, ['connection', 'x-a']],
  Upgrade: [...lines, ['upgrade', 'websocket']],
  'TE other than trailers': [...lines, ['te', 'gzip']],
  'a pseudo-header field after others': [...lines.slice(0, 3), ['x-a', 'b'], [':path', '/v1/x']],
  'a pseudo-header field twice': [...lines, [':path', '/v1/y']],
  'an unknown pseudo-header field': [...lines, [':x', 'y']],
  'a pseudo-header field of answers': [...lines, [':status', '200']],
  'no :path': lines.slice(0, 3),
  'an empty :path': requestLines(host, ''),
  'a :path with a space': requestLines(host, '/v1/x HTTP/1.1'),
  'a :path with a line feed': requestLines(host, '/v1/x HTTP/1.1\r\nhost: evil.example\r\n\r\n'),
  'a :method with a space': requestLines(host, '/v1/x', 'GET /v1/y HTTP/1.1\r\n'),
  'an :authority with userinfo': requestLines(`a@${host}`),
  'another :scheme': [[':method', 'GET'], [':scheme', 'http'], ...lines.slice(2)],
  'extended CONNECT': [[':method', 'CONNECT'], [':protocol', 'websocket'], ...lines.slice(1)],
  'two lengths': [...lines, ['content-length', '0'], ['content-length', '5']],
  'a length that is none': [...lines, ['content-length', '5x']],
};

describe('rule 3: a request has one reading', () => {
  it.each(Object.entries(malformed))('%s: nothing at an upstream, and one event', async (_what, fields) => {
    for (const to of [host, boundHost]) {
      const sent = fields.map(([name, value]): [string, string] => [name, value.replace(host, to)]);
      const { result, events } = await eventsOf(async () => {
        const connection = await raw(to);
        connection.sendRequest(1, sent);
        const outcome = await connection.outcomeOf(1);
        return { outcome, text: connection.textOf(1) };
      });
      if (result.outcome === 'answered') expect(JSON.parse(result.text)).toHaveProperty('error.code');
      expect(upstream.requests).toEqual([]);
      expect(requestsAtHttp1()).toEqual([]);
      expect(events.map(({ decision }) => decision)).toEqual(['deny']);
    }
  });

  it.each(Object.entries(unreadable))('%s: the field goes nowhere', async (_what, fields) => {
    for (const to of [host, boundHost]) {
      upstream.reset(answerOk);
      world.upstream.reset();
      const connection = await raw(to);
      connection.sendRequest(
        1,
        fields.map(([name, value]): [string, string] => [name, value.replace(host, to)]),
      );
      await connection.outcomeOf(1);
      const received = JSON.stringify(upstream.requests) + world.upstream.receivedBytes().toString('latin1');
      expect(received).not.toMatch(/x-a|x-b|x:a/i);
    }
  });

  const lies: Record<string, (connection: RawHttp2) => void> = {
    'more DATA than its content-length': (connection) =>
      connection.send(frame(frameType.data, flag.endStream, 1, Buffer.from('GET /v1/y HTTP/1.1\r\nhost: x\r\n\r\n'))),
    'less DATA than its content-length': (connection) =>
      connection.send(frame(frameType.data, flag.endStream, 1, Buffer.from('abc'))),
    'pseudo-header fields in its trailers': (connection) => {
      connection.send(frame(frameType.data, 0, 1, Buffer.from('hello')));
      connection.sendRequest(1, [[':path', '/v1/y']]);
    },
    'a reset in place of its end': (connection) =>
      connection.send(frame(frameType.data, 0, 1, Buffer.from('abc')), frame(frameType.reset, 0, 1, Buffer.alloc(4))),
  };

  it.each(Object.entries(lies))('%s: no upstream gets a whole request', async (what, send) => {
    for (const to of [host, boundHost]) {
      const path = `/v1/lies/${what.replaceAll(' ', '-')}/${to}`;
      const fields = requestLines(to, path, 'POST');
      const connection = await raw(to);
      connection.sendRequest(1, what.includes('length') ? [...fields, ['content-length', '5']] : fields, false);
      send(connection);
      const event = await waitUntil('the trail has it', async () =>
        (await world.audit()).find((one) => one.path === path),
      );
      expect(event.reason).not.toBe('ALLOWED');
      expect(upstream.requests.filter(({ isWhole, rstCode }) => isWhole && rstCode === 0)).toEqual([]);
      expect(world.upstream.receivedBytes().toString('latin1')).not.toMatch(/\r\n0\r\n\r\n|\/v1\/y/);
    }
  });

  it('an answer with more or less than its length is cut', async () => {
    for (const body of ['hello and more', 'he']) {
      upstream.reset((stream) => {
        stream.respond({ ':status': 200, 'content-length': 5 });
        stream.end(body);
      });
      const outcome = await request(await session(), { ':path': '/v1/x' });
      expect(outcome.status === 200 && outcome.rstCode === 0).toBe(false);
    }
  });
});

describe('rule 9: a cut answer never looks whole', () => {
  it.each([0, 1, 2, 5, 7, 8, 11])('an upstream that resets its stream with code %i', async (code) => {
    const connection = await raw();
    upstream.reset(async (stream) => {
      // Without waitForTrailers node:http2 would send END_STREAM ahead of the reset.
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.write('short');
      await waitUntil('the agent has the first part', () => connection.textOf(1) === 'short');
      stream.close(code);
    });
    connection.sendRequest(1, lines);
    expect(await connection.outcomeOf(1)).toBe('reset');
    expect(connection.textOf(1)).toBe('short');
  });

  it('an upstream whose connection ends', async () => {
    upstream.reset((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('short', () => stream.session?.socket.destroySoon());
    });
    const connection = await raw();
    connection.sendRequest(1, lines);
    expect(await connection.outcomeOf(1)).toBe('reset');
  });

  it('an HTTP/1.1 upstream that ends early', async () => {
    const connection = await raw(boundHost);
    world.upstream.reset(async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n');
      // What comes in one turn with the end of its connection may be dropped with it.
      await waitUntil('the agent has the first part', () => connection.textOf(1) === 'short');
      reply.end();
    });
    connection.sendRequest(1, requestLines(boundHost));
    expect(await connection.outcomeOf(1)).toBe('reset');
    expect(connection.textOf(1)).toBe('short');
  });

  it('an agent that resets its stream resets the upstream’s, and no neighbour’s', async () => {
    upstream.reset((stream, { headers }) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/v1/ends') setTimeout(() => stream.end('whole'), 300);
      else stream.write('begun');
    });
    const made = await session();
    const neighbour = request(made, { ':path': '/v1/ends' });
    const stream = made.request({ ':path': '/v1/hangs' });
    stream.on('error', () => undefined);
    stream.once('data', () => stream.close(8));
    expect(await neighbour).toMatchObject({ status: 200, text: 'whole', rstCode: 0 });
    const gone = upstream.requests.find(({ headers }) => headers[':path'] === '/v1/hangs');
    await waitUntil('the upstream stream is over', () => gone?.rstCode === 8);
  });
});

describe('nothing is left behind', () => {
  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
