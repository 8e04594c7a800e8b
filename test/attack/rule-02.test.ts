// Identity is settled once for a tunnel, policy is asked for each request; two identities that disagree are refused.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { openTunnel, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import { makeAgent, startWorld, type World } from '../support/world.ts';

let world: World;
let otherToken: string;
beforeAll(async () => {
  world = await startWorld();
  otherToken = await makeAgent(world.onecli, 'trudy');
});
afterAll(() => world?.stop());

function connectWith(...credentials: string[]): string {
  const lines = credentials.map((value) => `Proxy-Authorization: ${value}\r\n`).join('');
  return `CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n${lines}\r\n`;
}

describe('identity', () => {
  it('no token: 407 that names the scheme, with the code in the reason phrase', async () => {
    const outcome = await attack(world, { tunnel: { connectBytes: connectWith() } });
    expectRefusal(outcome, 407, 'PROXY_AUTH_REQUIRED');
    expect(outcome.answer.header('proxy-authenticate')).toMatch(/^Basic /i);
    expect(outcome.answer.reason).toContain('PROXY_AUTH_REQUIRED');
  });

  it('a wrong token, a wrong scheme and garbage get the same refusal', async () => {
    const wrong = [
      proxyCredentials('mallory', 'wrong'),
      'Bearer wrong',
      'Basic %%%',
      'Negotiate x',
      `Basic ${Buffer.from('mallory').toString('base64')}`,
    ];
    for (const value of wrong) {
      const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, connectBytes: connectWith(value) });
      expect(tunnel.kind).toBe('refused');
      expect(tunnel.answer.status).toBe(407);
      expect(tunnel.answer.header('proxy-authenticate')).toMatch(/^Basic /i);
    }
  });

  it('a token under the name of another agent is not that agent', async () => {
    const tunnel = await openTunnel({
      proxyPort: world.onecli.proxyPort,
      connectBytes: connectWith(proxyCredentials('mallory', otherToken)),
    });
    expect(tunnel.kind === 'refused' && tunnel.answer.status).toBe(407);
  });

  it('two credentials that disagree are refused', async () => {
    const both = connectWith(proxyCredentials('mallory', world.token), proxyCredentials('trudy', otherToken));
    const outcome = await attack(world, { tunnel: { connectBytes: both } });
    expect(outcome.answer.status).toBeGreaterThanOrEqual(400);
    expect([400, 407]).toContain(outcome.answer.status);
    expect(outcome.upstreamBytes).toHaveLength(0);
  });

  it('credentials inside a tunnel neither change the identity nor leave', async () => {
    const headers = {
      'proxy-authorization': proxyCredentials('trudy', otherToken),
      authorization: 'Bearer onecli://prod/openai',
    };
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', headers) });
    if (outcome.answer.status === 200) {
      expect(outcome.events[0]?.agent).toBe('mallory');
      expect(outcome.upstreamBytes.toString('latin1').toLowerCase()).not.toContain('proxy-authorization');
    } else {
      expect(outcome.answer.status).toBe(407);
      expect(outcome.upstreamBytes).toHaveLength(0);
    }
  });

  it('the scheme is told in any letter case', async () => {
    for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
      const value = proxyCredentials('mallory', world.token).replace('Basic', scheme);
      const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, connectBytes: connectWith(value) });
      expect(tunnel.kind).toBe('open');
      if (tunnel.kind === 'open') tunnel.connection.close();
    }
  });

  it('an agent without a policy gets nowhere, and says so on the first request or at CONNECT', async () => {
    const outcome = await attack(world, {
      tunnel: { agent: 'trudy', token: otherToken },
      bytes: requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }),
    });
    expectRefusal(outcome, 403, 'POLICY_DENIED');
  });

  it('an agent that is disabled has lost its open tunnel: no request goes on in it', async () => {
    const token = await makeAgent(world.onecli, 'walter');
    const rules = [{ allow: { hosts: ['api.openai.com'], paths: ['/v1/**'] } }];
    await world.onecli.must('POST', '/api/policies', { name: 'walter', agents: ['walter'], rules });
    const open = async (): Promise<boolean> => {
      const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, agent: 'walter', token });
      if (tunnel.kind === 'open') tunnel.connection.close();
      return tunnel.kind === 'open';
    };
    const { waitUntil } = await import('../support/wait-until.ts');
    await waitUntil('the agent may come in', open);
    const connection = await world.tunnel({ agent: 'walter', token });
    connection.send(requestBytes('GET', '/v1/models'));
    expect((await connection.readResponse()).status).toBe(200);
    await world.onecli.must('POST', '/api/agents/walter/disable');
    await waitUntil('no new tunnel is granted', async () => !(await open()));
    world.upstream.reset();
    connection.send(requestBytes('GET', '/v1/models'));
    await connection.untilClosed(10_000);
    expect(world.upstream.requests).toHaveLength(0);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
