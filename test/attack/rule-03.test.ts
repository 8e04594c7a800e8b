// Framing is parsed strictly by RFC 9112 and re-emitted; anything ambiguous is refused and nothing leaves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectClosed, expectRefusal } from '../support/attack.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const smuggled = 'GET /v1/smuggled HTTP/1.1\r\nHost: api.openai.com\r\n\r\n';
const post = 'POST /v1/x HTTP/1.1\r\nHost: api.openai.com\r\n';

const ambiguous: Record<string, string> = {
  'Content-Length beside Transfer-Encoding': `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'two lengths that differ': `${post}Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  'a list of lengths that differ': `${post}Content-Length: 0, 5\r\n\r\nhello`,
  'a signed length': `${post}Content-Length: +5\r\n\r\nhello`,
  'a negative length': `${post}Content-Length: -5\r\n\r\nhello`,
  'a hexadecimal length': `${post}Content-Length: 0x5\r\n\r\nhello`,
  'a length with a space in it': `${post}Content-Length: 1 0\r\n\r\n0123456789`,
  'an empty length': `${post}Content-Length:\r\n\r\n`,
  'a length beyond any number': `${post}Content-Length: 99999999999999999999999\r\n\r\n`,
  'a coding after chunked': `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a coding before chunked': `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a misspelt coding': `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'a coding with a vertical tab': `${post}Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n`,
  'Transfer-Encoding on HTTP/1.0': `POST /v1/x HTTP/1.0\r\nHost: api.openai.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a space before the colon': `${post}Content-Length : 5\r\n\r\nhello`,
  'a folded line': `${post}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  'a bare LF in the head': `POST /v1/x HTTP/1.1\nHost: api.openai.com\n\n`,
  'a bare CR in a value': `${post}X-A: b\rContent-Length: 5\r\n\r\n`,
  'a NUL in a value': `${post}X-A: b\0c\r\n\r\n`,
  'a field without a name': `${post}: x\r\n\r\n`,
  'a line without a colon': `${post}nothing\r\n\r\n`,
  'a name with a space': `${post}X A: b\r\n\r\n`,
  'white space before the first field': `POST /v1/x HTTP/1.1\r\n Host: api.openai.com\r\n\r\n`,
  'two spaces in the request line': `POST  /v1/x HTTP/1.1\r\nHost: api.openai.com\r\n\r\n`,
  'a tab in the request line': `POST\t/v1/x HTTP/1.1\r\nHost: api.openai.com\r\n\r\n`,
  'no version': `GET /v1/x\r\nHost: api.openai.com\r\n\r\n`,
  'an unknown version': `GET /v1/x HTTP/1.2\r\nHost: api.openai.com\r\n\r\n`,
  'HTTP/2 by its preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
};

const badChunks: Record<string, string> = {
  'a chunk size in a foreign notation': '0x5\r\nhello\r\n0\r\n\r\n',
  'a signed chunk size': '+5\r\nhello\r\n0\r\n\r\n',
  'a chunk size beyond any number': 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n',
  'a chunk ended by a bare LF': '5\nhello\r\n0\r\n\r\n',
  'a chunk longer than its size': '4\r\nhello\r\n0\r\n\r\n',
  'an empty size': '\r\nhello\r\n0\r\n\r\n',
  'a bare CR in an extension': '5;a=\rb\r\nhello\r\n0\r\n\r\n',
};

describe('request framing', () => {
  it.each(Object.entries(ambiguous))('%s is refused and ends the connection', async (_what, bytes) => {
    const outcome = await attack(world, { bytes });
    expect(outcome.answer.status, outcome.answer.text).toBeGreaterThanOrEqual(400);
    expectRefusal(outcome, outcome.answer.status, outcome.answer.header('x-onecli-error') ?? '');
    expect([400, 421, 501, 505]).toContain(outcome.answer.status);
    await expectClosed(outcome);
  });

  it.each(Object.entries(badChunks))('%s never becomes a whole request upstream', async (_what, chunks) => {
    const outcome = await attack(world, { bytes: `${post}Transfer-Encoding: chunked\r\n\r\n${chunks}${smuggled}` });
    expect(outcome.answer.status).toBe(400);
    await expectClosed(outcome);
    const seen = outcome.upstreamBytes.toString('latin1');
    expect(seen).not.toContain('smuggled');
    expect(seen).not.toContain('\r\n0\r\n\r\n');
  });

  it('CONNECT with a body is refused', async () => {
    const { connectHead } = await import('../support/raw-agent.ts');
    const connectBytes = connectHead('api.openai.com:443', world.agent, world.token).replace(
      /\r\n$/,
      'Content-Length: 5\r\n\r\nhello',
    );
    const outcome = await attack(world, { tunnel: { connectBytes } });
    expect(outcome.answer.status).toBe(400);
  });

  it('chunk extensions and trailer fields do not pass, the body does', async () => {
    world.upstream.reset();
    const connection = await world.tunnel();
    const trailers = 'X-T: v\r\nAuthorization: Bearer onecli://prod/openai\r\nContent-Length: 1\r\n';
    connection.send(
      `${post}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;ext=1\r\nhello\r\n0\r\n${trailers}\r\n`,
    );
    expect((await connection.readResponse()).status).toBe(200);
    expect((await world.upstream.requests[0]?.body())?.toString()).toBe('hello');
    const seen = world.upstream.receivedBytes().toString('latin1');
    expect(seen).not.toMatch(/ext=1|x-t|trailer:|authorization|onecli:|content-length/i);
    expect(seen.endsWith('hello\r\n0\r\n\r\n')).toBe(true);
    connection.close();
  });

  it('equal lengths named twice are one length or a refusal, never two', async () => {
    const outcome = await attack(world, { bytes: `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello` });
    const lengths = outcome.upstreamBytes.toString('latin1').match(/content-length/gi) ?? [];
    if (outcome.answer.status === 200) expect(lengths).toHaveLength(1);
    else expect(outcome.answer.status).toBe(400);
  });

  it('two pipelined requests are answered in order, each judged by itself', async () => {
    world.upstream.reset((request, reply) => reply.json(200, { target: request.target }));
    const connection = await world.tunnel();
    connection.send(
      Buffer.concat([
        requestBytes('GET', '/v1/one'),
        requestBytes('GET', '/forbidden'),
        requestBytes('GET', '/v1/two'),
      ]),
    );
    expect((await connection.readResponse()).json).toEqual({ target: '/v1/one' });
    expect((await connection.readResponse()).status).toBe(403);
    expect((await connection.readResponse()).json).toEqual({ target: '/v1/two' });
    connection.close();
  });

  it('a secret in a refused request leaves nothing anywhere', () => expectCanariesNowhere(world));
});
