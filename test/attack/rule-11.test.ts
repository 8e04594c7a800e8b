// Every answer of our own carries its code, a JSON body with a hint and a request id, and no secret.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectOwnAnswer, expectRefusal } from '../support/attack.ts';
import { callApi } from '../support/call-api.ts';
import { freePort } from '../support/free-port.ts';
import { openRaw, openTunnel, requestBytes } from '../support/raw-agent.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  const deadPort = await freePort();
  world = await startWorld({
    connectTo: [`dead.example:443=127.0.0.1:${deadPort}`],
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { allow: { hosts: ['dead.example', 'nowhere.invalid'] } },
    ],
  });
});
afterAll(() => world?.stop());

describe('answers of our own', () => {
  it('a path without a rule: 403, and what to ask an admin for', async () => {
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v2/x') });
    expectRefusal(outcome, 403, 'POLICY_DENIED');
    expect(JSON.stringify(outcome.answer.json)).toContain('policy allow');
  });

  it('a host without a rule is refused at CONNECT with the code in the reason phrase, or at the first request', async () => {
    const tunnel = await openTunnel({
      proxyPort: world.onecli.proxyPort,
      token: world.token,
      authority: 'unknown.example:443',
    });
    expect(tunnel.kind).toBe('refused');
    expectOwnAnswer(tunnel.answer, 403, 'POLICY_DENIED');
    expect(tunnel.answer.reason).toContain('POLICY_DENIED');
  });

  it.each([['dead.example'], ['nowhere.invalid']])('%s cannot be reached: 502', async (host) => {
    const outcome = await attack(world, {
      tunnel: { authority: `${host}:443` },
      bytes: requestBytes('GET', '/v1/x', { host }),
    });
    expect(outcome.events.map((item) => item.status)).toEqual([502]);
    expectOwnAnswer(outcome.answer, 502, 'UPSTREAM_UNREACHABLE');
  });

  it('a refusal keeps a keep-alive connection usable where the framing is not in doubt', async () => {
    const connection = await world.tunnel();
    connection.send(requestBytes('POST', '/v2/x', {}, 'body'));
    expect((await connection.readResponse()).status).toBe(403);
    if (connection.ended === 'open') {
      connection.send(requestBytes('GET', '/v1/models'));
      const answer = await connection.readResponse().catch(() => undefined);
      if (answer !== undefined) expect(answer.status).toBe(200);
    }
    connection.close();
  });

  it('HEAD gets the head of a refusal and no body', async () => {
    const connection = await world.tunnel();
    connection.send(requestBytes('HEAD', '/v2/x'));
    const answer = await connection.readResponse('HEAD');
    expect(answer.status).toBe(403);
    expect(connection.unread()).toHaveLength(0);
    connection.close();
  });

  it('the proxy port serves /health, /livez, /readyz and /ca.pem in origin-form, and says what it is to anything else', async () => {
    const { proxyUrl } = world.onecli;
    expect((await callApi(proxyUrl, 'GET', '/health')).json).toMatchObject({ status: expect.any(String) });
    for (const path of ['/livez', '/readyz']) expect((await callApi(proxyUrl, 'GET', path)).status).toBe(200);
    expect((await callApi(proxyUrl, 'GET', '/ca.pem')).text).toBe(world.caPem);
    const other = await callApi(proxyUrl, 'GET', '/v1/models');
    expect(other.status).toBe(404);
    expect(other.headers['x-onecli-error']).toBe('NOT_A_PROXY_REQUEST');
  });

  it('TLS on the plain proxy port and a foreign protocol end without harm', async () => {
    for (const bytes of [Buffer.from('160301020001000001fc0303', 'hex'), 'SSH-2.0-x\r\n', '\0\0\0\0\r\n\r\n']) {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send(bytes);
      connection.socket.end();
      await connection.untilClosed(70_000);
    }
    expect((await callApi(world.onecli.proxyUrl, 'GET', '/readyz')).status).toBe(200);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
