// Connection-named and hop-by-hop headers go first, then credentials go in; one header, one value.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe('header fields on their way out', () => {
  it('a header that Connection names is dropped, and hop-by-hop ones too', async () => {
    const headers = {
      connection: 'X-Drop, keep-alive',
      'x-drop': '1',
      'keep-alive': 'timeout=5',
      te: 'trailers',
      'x-stay': '2',
    };
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', headers) });
    const seen = outcome.upstreamBytes.toString('latin1').toLowerCase();
    expect(outcome.answer.status).toBe(200);
    expect(seen).toContain('x-stay: 2');
    for (const name of ['x-drop', 'keep-alive:', 'te: trailers']) expect(seen).not.toContain(name);
  });

  it.each(['authorization', 'Authorization', 'host', 'content-length', 'transfer-encoding', 'x-a, authorization'])(
    'Connection: %s does not strip the credential or the framing behind our back',
    async (connection) => {
      const headers = { connection, authorization: 'Bearer onecli://prod/openai' };
      const outcome = await attack(world, { bytes: requestBytes('POST', '/v1/models', headers, 'hello') });
      if (outcome.answer.status !== 200) {
        expect(outcome.answer.status).toBe(400);
        expect(outcome.upstreamBytes).toHaveLength(0);
        return;
      }
      const seen = outcome.upstreamBytes.toString('latin1');
      expect(seen.match(/\r\nhost:/gi)).toHaveLength(1);
      expect(seen.endsWith('hello')).toBe(true);
      expect(seen).not.toContain('onecli://');
      expect(seen).toContain(`Bearer ${world.canary}`);
    },
  );

  it('one credential header stays one, with one value', async () => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }),
    });
    const seen = outcome.upstreamBytes.toString('latin1');
    expect(seen.match(/^authorization: .*$/gim)).toEqual([`authorization: Bearer ${world.canary}`]);
  });

  it('a header that holds a placeholder and is there twice is refused: which value counts is anybody’s guess', async () => {
    const headers = { authorization: ['Bearer onecli://prod/openai', 'Bearer other'] };
    expectRefusal(await attack(world, { bytes: requestBytes('GET', '/v1/models', headers) }), 400, 'BAD_REQUEST');
  });

  it('hop-by-hop headers of the answer do not reach the agent, the others do', async () => {
    world.upstream.reset((_request, reply) =>
      reply.raw(
        'HTTP/1.1 200 OK\r\nConnection: X-Drop\r\nX-Drop: 1\r\nKeep-Alive: timeout=1\r\nProxy-Authenticate: Basic\r\nX-Stay: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/models'));
    const answer = await connection.readResponse();
    expect(answer.text).toBe('ok');
    expect(answer.header('x-stay')).toBe('2');
    expect(answer.headers.filter(([name]) => /^set-cookie$/i.test(name)).map(([, value]) => value)).toEqual([
      'a=1',
      'b=2',
    ]);
    for (const name of ['x-drop', 'proxy-authenticate']) expect(answer.header(name)).toBeUndefined();
    connection.close();
  });

  it.each(['\r\n', '\n', '\r', '\0'])('a secret that holds %j cannot be stored', async (character) => {
    const name = 'prod/split';
    const value = `a${character}X-Injected: 1`;
    const answer = await world.onecli.api('POST', '/api/secrets', {
      name,
      value,
      description: '',
      binding: { hosts: ['api.openai.com'], surfaces: ['header'] },
    });
    expect(answer.status).toBe(400);
    expect((await world.onecli.api('GET', '/api/secrets')).text).not.toContain(name);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
