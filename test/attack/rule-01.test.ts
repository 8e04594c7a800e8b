// One name: CONNECT host = SNI = Host, after one canonicalisation.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectClosed, expectRefusal } from '../support/attack.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import { otherHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const credential = { authorization: 'Bearer onecli://prod/openai' };

describe('names of one request', () => {
  it('a Host other than the CONNECT host is misdirected and the connection ends', async () => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { host: otherHost, ...credential }),
    });
    expectRefusal(outcome, 421, 'MISDIRECTED');
    await expectClosed(outcome);
  });

  it('a Host with another port is misdirected', async () => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { host: 'api.openai.com:8443', ...credential }),
    });
    expectRefusal(outcome, 421, 'MISDIRECTED');
  });

  it('an absolute-form target inside a tunnel does not redirect the request to its own host', async () => {
    const outcome = await attack(world, { bytes: requestBytes('GET', `https://${otherHost}/v1/models`, credential) });
    expect([400, 421]).toContain(outcome.answer.status);
    expect(outcome.upstreamRequests).toBe(0);
    await expectClosed(outcome);
  });

  it('a server name other than the CONNECT host is refused before any request', async () => {
    world.upstream.reset();
    const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, token: world.token, sni: otherHost });
    if (tunnel.kind === 'open') {
      tunnel.connection.send(requestBytes('GET', '/v1/models', credential));
      expect((await tunnel.connection.readResponse()).status).toBe(421);
      await tunnel.connection.untilClosed();
    } else {
      expect(tunnel.kind).toBe('tls-failed');
    }
    expect(world.upstream.requests).toHaveLength(0);
  });

  it.each([
    ['two Host headers', { host: ['api.openai.com', 'api.openai.com'] }],
    ['a Host with user information', { host: 'api.openai.com@evil.example' }],
    ['a list in Host', { host: 'api.openai.com, evil.example' }],
    ['an empty Host', { host: '' }],
    ['a Host with a path', { host: 'api.openai.com/v1' }],
  ])('%s is refused', async (_what, headers) => {
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', { ...headers, ...credential }) });
    expect([400, 421]).toContain(outcome.answer.status);
    expect(outcome.upstreamBytes).toHaveLength(0);
    expect(outcome.events).toHaveLength(1);
    await expectClosed(outcome);
  });

  it('no Host at all is refused', async () => {
    const outcome = await attack(world, {
      bytes: 'GET /v1/models HTTP/1.1\r\nAuthorization: Bearer onecli://prod/openai\r\n\r\n',
    });
    expectRefusal(outcome, 400, 'BAD_REQUEST');
  });

  it.each(['API.OpenAI.com', 'api.openai.com:443', 'api.openai.com.'])('Host %s is the same name', async (host) => {
    world.upstream.reset();
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', '/v1/models', { host, ...credential }));
    expect((await connection.readResponse()).status).toBe(200);
    expect(world.upstream.requests.at(-1)?.all('host')).toEqual(['api.openai.com']);
    expect(world.upstream.requests.at(-1)?.sni).toBe('api.openai.com');
    connection.close();
  });

  it('without a server name the CONNECT host is the name', async () => {
    const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, token: world.token, sni: false });
    if (tunnel.kind !== 'open') throw new Error(`the tunnel is ${tunnel.kind}`);
    tunnel.connection.send(requestBytes('GET', '/v1/models', credential));
    expect((await tunnel.connection.readResponse()).status).toBe(200);
    tunnel.connection.close();
  });

  it.each([
    'api.openai.com',
    'api.openai.com:0',
    'api.openai.com:65536',
    'api.openai.com:443:443',
    ':443',
    'http://api.openai.com:443',
    'a@api.openai.com:443',
    'api.openai.com:443/',
  ])('CONNECT %s is malformed', async (authority) => {
    const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, token: world.token, authority });
    expect(tunnel.kind).toBe('refused');
    expect(tunnel.answer.status).toBe(400);
  });

  it('CONNECT whose own Host differs is refused', async () => {
    const { connectHead } = await import('../support/raw-agent.ts');
    const connectBytes = connectHead('api.openai.com:443', world.agent, world.token).replace(
      'Host: api.openai.com',
      `Host: ${otherHost}`,
    );
    const outcome = await attack(world, { tunnel: { connectBytes } });
    expect([400, 421]).toContain(outcome.answer.status);
    expect(outcome.upstreamBytes).toHaveLength(0);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
