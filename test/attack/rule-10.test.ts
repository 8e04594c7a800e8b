// What a response echoes of a secret that this request used is replaced by its placeholder, headers and body, across chunk borders.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, type AttackOutcome, expectCanariesNowhere } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { proportionalBytes } from '../support/process-facts.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { RecordedRequest, Reply, UpstreamHandler } from '../support/upstream-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const placeholder = 'onecli://prod/openai';
const bearer = { authorization: `Bearer ${placeholder}` };
let world: World;
beforeAll(async () => {
  world = await startWorld();
  for (const [name, scrub] of [
    ['prod/strict', 'refuse'],
    ['prod/open', 'off'],
  ]) {
    await world.onecli.must('POST', '/api/secrets', {
      name,
      value: `${world.canary}-${scrub}`,
      binding: { hosts: [boundHost], surfaces: ['header'], scrub },
    });
  }
  const secrets = ['prod/openai', 'prod/strict', 'prod/open'];
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [{ allow: { hosts: [boundHost], paths: ['/v1/**'], secrets } }],
  });
});
afterAll(() => world?.stop());

/** What the request authenticated with, as the upstream got it. */
const secretOf = (request: RecordedRequest): string => (request.header('authorization') ?? '').replace('Bearer ', '');

interface Echo {
  readonly handler: (request: RecordedRequest, reply: Reply, secret: string) => void | Promise<void>;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** Makes a request whose answer the upstream makes of the secret that it got. */
async function echo({ handler, method = 'GET', headers = bearer }: Echo): Promise<AttackOutcome> {
  world.upstream.dropConnections();
  const answer: UpstreamHandler = (request, reply) => handler(request, reply, secretOf(request));
  world.upstream.reset(answer);
  const outcome = await attack(world, { bytes: requestBytes(method, '/v1/echo', headers), method });
  outcome.connection?.close();
  expect(outcome.upstreamBytes.includes(world.canary) || headers !== bearer).toBe(true);
  return outcome;
}

const places = ({ events }: AttackOutcome): string[] =>
  events.flatMap(({ findings }) =>
    findings.map(({ kind, place }) => (kind === 'SECRET_IN_RESPONSE' ? place : `${kind} ${place}`)),
  );

const everyByte = (text: string, write: (hex: string) => string): string =>
  Buffer.from(text).toString('hex').replace(/../g, write);

/** As upstreams write what they got. */
const spellings: Record<string, (secret: string) => string> = {
  'as it is': (secret) => secret,
  'as JSON': (secret) => JSON.stringify({ headers: { authorization: `Bearer ${secret}` } }),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64 behind one byte': (secret) => Buffer.from(`u${secret}`).toString('base64'),
  'in base64 behind two bytes': (secret) => Buffer.from(`us${secret}`).toString('base64url'),
  'as Basic credentials': (secret) => `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  'in hex': (secret) => Buffer.from(secret).toString('hex'),
  'in upper hex': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'percent-encoded': (secret) => everyByte(secret, (hex) => `%${hex}`),
  'percent-encoded in upper case': (secret) => everyByte(secret, (hex) => `%${hex.toUpperCase()}`),
  'with \\u escapes': (secret) => everyByte(secret, (hex) => `\\u00${hex}`),
  'in HTML entities': (secret) => everyByte(secret, (hex) => `&#x${hex};`),
  'in upper case': (secret) => secret.toUpperCase(),
};

/** The secret has to be gone, in each of these spellings too. */
function expectGone({ agentBytes }: AttackOutcome): void {
  for (const write of Object.values(spellings)) {
    const written = Buffer.from(write(world.canary));
    expect(agentBytes.includes(written.subarray(2, -4))).toBe(false);
  }
}

describe('a secret that an upstream echoes', () => {
  it.each(Object.entries(spellings))(
    'in a small body %s: the placeholder, and the true length',
    async (_how, write) => {
      const outcome = await echo({ handler: (_, reply, secret) => reply.send(200, {}, `<<${write(secret)}>>`) });
      expect(outcome.answer).toMatchObject({ status: 200, ending: 'whole' });
      expect(outcome.answer.text).toMatch(/^<<.*onecli:\/\/prod\/openai.*>>$/s);
      expect(outcome.answer.header('content-length')).toBe(String(outcome.answer.body.length));
      expectGone(outcome);
      expect(places(outcome)).toEqual(['body']);
      expect(outcome.events.map(({ reason, secrets }) => [reason, secrets])).toEqual([['ALLOWED', ['prod/openai@1']]]);
    },
  );

  it('in headers, a redirect’s Location, the reason and the name of a header', async () => {
    const outcome = await echo({
      handler: (_, reply, secret) =>
        reply.raw(
          `HTTP/1.1 302 No ${secret}\r\nLocation: https://x.example/?key=${secret}\r\nX-Request: Bearer ${secret}\r\n` +
            `Set-Cookie: auth=${Buffer.from(`a:${secret}`).toString('base64')}\r\nX-${secret}: 1\r\nContent-Length: 2\r\n\r\nok`,
        ),
    });
    expect(outcome.answer).toMatchObject({ status: 302, text: 'ok', reason: `No ${placeholder}` });
    expect(outcome.answer.header('location')).toBe(`https://x.example/?key=${placeholder}`);
    expect(outcome.answer.header('x-request')).toBe(`Bearer ${placeholder}`);
    expectGone(outcome);
    expect(places(outcome).toSorted()).toEqual(['header', 'location', 'reason', 'set-cookie', 'x-request']);
  });

  it('in an interim answer and in a trailer', async () => {
    const outcome = await echo({
      handler: (_, reply, secret) =>
        reply.raw(
          `HTTP/1.1 103 Early Hints\r\nLink: </?${secret}>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n` +
            `Trailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: ${secret}\r\n\r\n`,
        ),
    });
    expect(outcome.answer).toMatchObject({ status: 200, text: 'ok', interim: [103] });
    expect(outcome.agentBytes.toString('latin1')).toContain(`Link: </?${placeholder}>`);
    expectGone(outcome);
  });

  it('in a chunked body, whichever byte each border stands at', async () => {
    const outcome = await echo({
      handler: async (_, reply, secret) => {
        const body = `${secret}|${Buffer.from(`u:${secret}`).toString('base64')}|${everyByte(secret, (hex) => `%${hex}`)}`;
        await reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        for (const byte of body) {
          await reply.raw(`1\r\n${byte}\r\n`);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await reply.raw('0\r\n\r\n');
      },
    });
    expect(outcome.answer.ending).toBe('whole');
    expect(outcome.answer.text.split(placeholder)).toHaveLength(4);
    expectGone(outcome);
    expect(places(outcome)).toEqual(['body']);
  });

  it('in events, at every border between two writes', async () => {
    const outcome = await echo({
      handler: (_, reply, secret) => {
        const event = `data: {"key":"${secret}"}\n\n`;
        return reply.chunked(
          200,
          { 'content-type': 'text/event-stream' },
          Array.from(event, (_byte, cut) => [event.slice(0, cut), event.slice(cut)])
            .flat()
            .filter(Boolean),
        );
      },
    });
    const events = outcome.answer.text.split('\n\n').slice(0, -1);
    expect(new Set(events)).toEqual(new Set([`data: {"key":"${placeholder}"}`]));
    expect(events).toHaveLength(`data: {"key":""}\n\n`.length + world.canary.length);
    expectGone(outcome);
  });

  it('at the border of what is held and far into a long body', async () => {
    const filler = 'x'.repeat(200_000);
    const outcome = await echo({
      handler: (_, reply, secret) => reply.send(200, {}, `${filler}${secret}${filler}${secret}`),
    });
    expect(outcome.answer.text).toBe(`${filler}${placeholder}${filler}${placeholder}`);
    expect(outcome.answer.header('transfer-encoding')).toBe('chunked');
    expectGone(outcome);
  });

  it('in a body that its upstream ends by closing, the last bytes of it too', async () => {
    const outcome = await echo({
      handler: async (_, reply, secret) => {
        await reply.raw(`HTTP/1.1 200 OK\r\n\r\n${secret}${secret.slice(0, -1)}`);
        reply.end();
      },
    });
    expect(outcome.answer.text).toBe(`${placeholder}${world.canary.slice(0, -1)}`);
  });

  it('to an agent that speaks HTTP/1.0', async () => {
    world.upstream.reset((request, reply) =>
      reply.chunked(200, {}, [`<<${secretOf(request).slice(0, 9)}`, `${secretOf(request).slice(9)}>>`]),
    );
    const outcome = await attack(world, {
      bytes: `GET /v1/echo HTTP/1.0\r\nHost: ${boundHost}\r\nAuthorization: Bearer ${placeholder}\r\n\r\n`,
    });
    expect(outcome.answer.text).toBe(`<<${placeholder}>>`);
    expect(outcome.answer.header('transfer-encoding')).toBeUndefined();
  });

  it('leaves the length that HEAD tells as it is', async () => {
    const outcome = await echo({
      method: 'HEAD',
      handler: (_, reply, secret) =>
        reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nContent-Encoding: x-any\r\nX-Key: ${secret}\r\n\r\n`),
    });
    expect(outcome.answer.header('content-length')).toBe('12345');
    expect(outcome.answer.header('x-key')).toBe(placeholder);
  });
});

const compressions: Record<string, readonly [header: string, write: (bytes: Buffer) => Buffer]> = {
  gzip: ['gzip', (bytes) => gzipSync(bytes)],
  br: ['br', (bytes) => brotliCompressSync(bytes)],
  deflate: ['deflate', (bytes) => deflateSync(bytes)],
  'deflate without its wrapper': ['deflate', (bytes) => deflateRawSync(bytes)],
  'gzip within br': ['gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
};

describe('an answer that is compressed although it was asked not to be', () => {
  it.each(Object.entries(compressions))('%s: is searched all the same', async (_what, [coding, write]) => {
    const outcome = await echo({
      handler: (_, reply, secret) =>
        reply.send(200, { 'content-encoding': coding }, write(Buffer.from(`${'x'.repeat(500)}${secret}`.repeat(500)))),
    });
    expect(outcome.answer.text).toBe(`${'x'.repeat(500)}${placeholder}`.repeat(500));
    expect(outcome.answer.header('content-encoding')).toBeUndefined();
    expect(outcome.answer.ending).toBe('whole');
    expect(places(outcome)).toEqual(['body']);
  });

  it.each(['compress', 'gzip, gzip, gzip, gzip', 'x-none'])('%s: cannot be read and is refused', async (coding) => {
    const outcome = await echo({
      handler: (_, reply, secret) => reply.send(200, { 'content-encoding': coding }, `any bytes and ${secret}`),
    });
    expect(outcome.answer.status).toBe(502);
    expect(outcome.answer.header('x-onecli-error')).toBe('UPSTREAM_ENCODING');
    expect(outcome.events.map(({ decision, reason }) => [decision, reason])).toEqual([['allow', 'UPSTREAM_ENCODING']]);
  });

  it.each(['other bytes', 'a cut stream'])('%s: the agent cannot take the answer for whole', async (what) => {
    const outcome = await echo({
      handler: (_, reply, secret) => {
        const bytes = gzipSync(Buffer.from(`${'x'.repeat(99)}${secret}`.repeat(999)));
        reply.send(200, { 'content-encoding': 'gzip' }, what === 'other bytes' ? secret : bytes.subarray(0, -9));
      },
    });
    expect(outcome.answer.ending).toBe('cut');
    expect(outcome.events.map(({ reason }) => reason)).toEqual(['UPSTREAM_INVALID']);
  });

  it('a bomb takes the worker’s time and not its memory', async () => {
    const worker = world.onecli.pidsOf('worker')[0] ?? 0;
    const bomb = gzipSync(gzipSync(Buffer.alloc(1024 * 1024 * 1024)));
    const before = proportionalBytes(worker);
    world.upstream.dropConnections();
    world.upstream.reset((_request, reply) => reply.send(200, { 'content-encoding': 'gzip, gzip' }, bomb));
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/bomb', bearer));
    await waitUntil('it has begun', () => connection.received().length > 0);
    const reader = connection.release().pause();
    // A neighbour is served while the bomb waits for its reader, and while it goes off.
    let most = 0;
    world.upstream.handler = (_request, reply) => reply.send(200, {}, 'ok');
    for (let turn = 0; turn < 80; turn++) {
      if (turn === 60) reader.on('data', () => undefined).resume();
      const neighbour = await world.tunnel();
      neighbour.send(requestBytes('GET', '/v1/neighbour'));
      expect((await neighbour.readResponse()).text).toBe('ok');
      neighbour.close();
      most = Math.max(most, proportionalBytes(worker) - before);
    }
    reader.destroy();
    expect(world.onecli.pidsOf('worker')).toEqual([worker]);
    expect(most).toBeLessThan(100 * 1024 * 1024);
  });
});

describe('a request that carries a secret', () => {
  const asked = { 'accept-encoding': 'gzip, br', range: 'bytes=0-9', 'if-range': '"x"' };

  it('asks for the whole answer, and for one that is not compressed', async () => {
    let seen: RecordedRequest | undefined;
    const handler: Echo['handler'] = (request, reply) => {
      seen = request;
      reply.send(200, {}, 'ok');
    };
    await echo({ handler, headers: { ...bearer, ...asked } });
    expect(seen?.all('accept-encoding')).toEqual(['identity']);
    expect(seen?.header('range')).toBeUndefined();
    expect(seen?.header('if-range')).toBeUndefined();
    await echo({ handler, headers: asked });
    expect(seen?.all('accept-encoding')).toEqual(['gzip, br']);
    expect(seen?.header('range')).toBe('bytes=0-9');
  });

  it('gets each event before the upstream sends the next', async () => {
    const connection = await world.tunnel();
    const confirmed: string[] = [];
    world.upstream.reset(async (_request, reply) => {
      async function* events(): AsyncGenerator<string> {
        for (let number = 1; number <= 5; number++) {
          // Ends within a line, on a byte that no spelling of the secret begins with.
          yield `data: event ${number} sk-canary!`;
          await waitUntil('the agent has it', () => connection.received().includes(`event ${number} sk-canary!`));
          confirmed.push(`event ${number}`);
        }
      }
      await reply.chunked(200, { 'content-type': 'text/event-stream' }, events());
    });
    connection.send(requestBytes('GET', '/v1/events', bearer));
    expect((await connection.readResponse()).ending).toBe('whole');
    expect(confirmed).toHaveLength(5);
    connection.close();
  });
});

describe('a binding that says what becomes of an echo', () => {
  const strict = { authorization: 'Bearer onecli://prod/strict' };
  const refusedWith = ({ answer }: AttackOutcome) => [answer.status, answer.header('x-onecli-error')];

  it('refuse: a head with the secret is refused, with nothing of it', async () => {
    const outcome = await echo({
      headers: strict,
      handler: (_, reply, secret) => reply.send(200, { 'x-key': secret, 'x-other': 'other' }, 'body'),
    });
    expect(refusedWith(outcome)).toEqual([502, 'SECRET_ECHOED']);
    expect(outcome.agentBytes.toString()).not.toMatch(/x-other|body/);
    expect(places(outcome)).toEqual(['x-key']);
    expect(outcome.events.map(({ decision, reason }) => [decision, reason])).toEqual([['allow', 'SECRET_ECHOED']]);
  });

  it('refuse: so is a small body', async () => {
    const outcome = await echo({
      headers: strict,
      handler: (_, reply, secret) => reply.send(200, { 'x-other': 'other' }, `ahead ${secret} behind`),
    });
    expect(refusedWith(outcome)).toEqual([502, 'SECRET_ECHOED']);
    expect(outcome.agentBytes.toString()).not.toMatch(/x-other|ahead|behind/);
    expect(places(outcome)).toEqual(['body']);
  });

  it('refuse: a stream that has begun is cut before the secret', async () => {
    const since = Date.now() - 1;
    const connection = await world.tunnel();
    world.upstream.dropConnections();
    world.upstream.reset(async (request, reply) => {
      const secret = secretOf(request);
      await reply.raw(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nahead\r\n`);
      // A reset takes along what its receiver has not read yet.
      await waitUntil('the agent has what is ahead', () => connection.received().includes('ahead'));
      await reply.raw(`${(secret.length + 6).toString(16)}\r\n${secret}behind\r\n0\r\n\r\n`);
    });
    connection.send(requestBytes('GET', '/v1/cut', strict));
    const { status, text, ending } = await connection.readResponse();
    expect({ status, text, ending }).toEqual({ status: 200, text: '5\r\nahead\r\n', ending: 'cut' });
    expect(connection.received().toString('latin1')).not.toMatch(/behind|onecli:/);
    expect(canariesIn(connection.received(), world.canaries)).toEqual([]);
    const events = (await world.auditSince(since)).filter(({ path }) => path === '/v1/cut');
    expect(events.map(({ reason }) => reason)).toEqual(['SECRET_ECHOED']);
  });

  it('off: the answer comes as it was sent', async () => {
    world.upstream.reset((request, reply) => reply.send(200, {}, secretOf(request)));
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/echo', { authorization: 'Bearer onecli://prod/open', range: 'bytes=0-' }));
    expect((await connection.readResponse()).text).toBe(`${world.canary}-off`);
    expect(world.upstream.requests[0]?.header('range')).toBe('bytes=0-');
    connection.close();
  });
});

it('leaves the secret nowhere', () => {
  expectCanariesNowhere(world);
  expect(canariesIn(world.onecli.log, [`${world.canary}-refuse`])).toEqual([]);
});
