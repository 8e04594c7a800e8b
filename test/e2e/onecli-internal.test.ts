// What the gateway tells an agent of itself, and of what it refuses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere, expectOwnAnswer } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { openRaw, openTunnel, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import type { RawResponse } from '../support/raw-connection.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  // Refusals inside the tunnel are the default.
  world = await startWorld({ start: { env: { ONECLI_REFUSE_INSIDE_TUNNEL: undefined } } });
  // An open tunnel says nothing of the policy here.
  await waitUntil('the policy is in force', async () => {
    const { allow } = (await askPlainly('http://onecli.internal/')).json as { allow: unknown[] };
    return allow.length > 0;
  });
});
afterAll(() => world?.stop());

async function askPlainly(target: string, fields: Record<string, string> = {}, method = 'GET'): Promise<RawResponse> {
  const connection = await openRaw(world.onecli.proxyPort);
  const host = new URL(target, 'http://127.0.0.1').host;
  const credentials = { 'proxy-authorization': proxyCredentials(world.agent, world.token) };
  connection.send(requestBytes(method, target, { host, ...credentials, ...fields }));
  const answer = await connection.readResponse(method);
  connection.close();
  return answer;
}

describe('http://onecli.internal/', () => {
  it('tells an agent what it may do, by every way in', async () => {
    world.upstream.reset();
    const byProxy = await askPlainly('http://onecli.internal/');
    const byBaseUrl = await askPlainly('/to/onecli.internal/', { host: '127.0.0.1' });
    const tunnel = await world.tunnel({ authority: 'onecli.internal:443' });
    tunnel.send(requestBytes('GET', '/', { host: 'onecli.internal' }));
    const byTunnel = await tunnel.readResponse();
    tunnel.close();
    expect(byProxy.json).toMatchObject({
      agent: 'mallory',
      allow: [{ hosts: [boundHost], paths: ['/v1/**'], placeholders: ['onecli://prod/openai'] }, {}],
      placeholders: [{ placeholder: 'onecli://prod/openai', hosts: [boundHost], places: ['header', 'basic'] }],
    });
    for (const other of [byBaseUrl, byTunnel]) expect(other.json).toEqual(byProxy.json);
    expect(canariesIn(byProxy.body, [...world.canaries, world.token])).toEqual([]);
    expect(byProxy.text).not.toContain('prod/stripe');
    expect(world.upstream.tcpConnections).toBe(0);
    await world.auditSince(Date.now());
    const events = await world.audit('host=onecli.internal');
    const facts = events.map(({ port, decision, status }) => `${port} ${decision} ${status}`);
    expect(new Set(facts)).toEqual(new Set(['80 allow 200', '443 allow 200']));
  });

  it('answers nobody that it does not know', async () => {
    const answer = await askPlainly('http://onecli.internal/', { 'proxy-authorization': 'Basic eDp5' });
    expectOwnAnswer(answer, 407, 'PROXY_AUTH_INVALID');
  });

  it('explains every error that it names, and says what it has not', async () => {
    const refused = await askPlainly(`http://${boundHost}/v2/x`);
    expectOwnAnswer(refused, 403, 'POLICY_DENIED');
    const { docs } = (refused.json as { error: { docs: string } }).error;
    expect((await askPlainly(docs)).text).toContain('## POLICY_DENIED');
    expectOwnAnswer(await askPlainly('http://onecli.internal/errors/NONE'), 404, 'NOT_FOUND');
    expectOwnAnswer(await askPlainly('http://onecli.internal/', {}, 'DELETE'), 405, 'METHOD_NOT_ALLOWED');
  });

  it('is never an upstream, even when a policy allows the name', async () => {
    const allow = { hosts: ['onecli.internal'], secrets: ['prod/openai'] };
    const policy = { name: 'internal', agents: [world.agent], rules: [{ allow }] };
    await world.onecli.must('POST', '/api/policies', policy);
    world.upstream.reset();
    const answer = await askPlainly('http://onecli.internal/x?k=onecli://prod/openai', {
      authorization: 'Bearer onecli://prod/openai',
    });
    expectOwnAnswer(answer, 404, 'NOT_FOUND');
    expect(world.upstream.tcpConnections).toBe(0);
  });
});

describe('a host that policy refuses', () => {
  const inside = (host: string, token = world.token) =>
    openTunnel({ proxyPort: world.onecli.proxyPort, token, ca: world.caPem, authority: `${host}:443` });

  it('is refused inside the tunnel, with the request on record and nothing dialled', async () => {
    world.upstream.reset();
    const tunnel = await inside('unknown.example');
    if (tunnel.kind !== 'open') throw new Error(tunnel.kind);
    expect(tunnel.answer.header('x-onecli-error')).toBe('POLICY_DENIED');
    tunnel.connection.send(
      requestBytes('GET', '/v9/x', { host: 'unknown.example', authorization: 'Bearer onecli://prod/openai' }),
    );
    const answer = await tunnel.connection.readResponse();
    tunnel.connection.close();
    expectOwnAnswer(answer, 403, 'POLICY_DENIED');
    expect(answer.header('x-should-retry')).toBe('false');
    expect(answer.text).toContain("onecli policy allow mallory unknown.example --paths '/v9/x' --methods GET");
    expect(world.upstream.tcpConnections).toBe(0);
    await world.auditSince(Date.now() - 5000);
    const events = await world.audit('host=unknown.example');
    expect(events.map(({ reason, method, path }) => [reason, method, path])).toEqual([
      ['POLICY_DENIED', 'GET', '/v9/x'],
    ]);
  });

  it('is on record too when no request came', async () => {
    const tunnel = await inside('silent.example');
    if (tunnel.kind === 'open') tunnel.connection.close();
    const gone = await inside('vanished.example', world.token);
    if (gone.kind === 'open') gone.connection.socket.destroy();
    for (const host of ['silent.example', 'vanished.example']) {
      await expect
        .poll(async () => (await world.audit(`host=${host}`)).map(({ reason, method }) => [reason, method]), {
          timeout: 20_000,
        })
        .toEqual([['POLICY_DENIED', 'CONNECT']]);
    }
  });

  it('is refused at CONNECT to strangers, on other ports, and once an agent has had its share of certificates', async () => {
    expect(await inside('stranger.example', 'wrong')).toMatchObject({ kind: 'refused', answer: { status: 407 } });
    const ssh = await openTunnel({ proxyPort: world.onecli.proxyPort, token: world.token, authority: 'x.example:22' });
    expect(ssh).toMatchObject({ kind: 'refused', answer: { status: 403, reason: 'POLICY_DENIED' } });
    const kinds = new Set<string>();
    for (let host = 0; host < 40; host++) {
      const tunnel = await inside(`h${host}.example`);
      kinds.add(tunnel.kind);
      if (tunnel.kind !== 'tls-failed') tunnel.connection.close();
    }
    expect(kinds).toEqual(new Set(['open', 'refused']));
    const allowed = await world.tunnel();
    allowed.close();
  });

  it('shows its reason in what curl and Python print', async () => {
    const curl = await runAsAgent(world, ['curl', '-sS', '-m', '20', 'https://unknown.example/v9/x']);
    expect([curl.code, curl.stdout]).toEqual([
      0,
      expect.stringContaining('onecli policy allow mallory unknown.example'),
    ]);
    const script = `import urllib.request, urllib.error
try: urllib.request.urlopen('https://unknown.example/v9/x')
except urllib.error.HTTPError as e: print(e.code, e.read().decode())`;
    const python = await runAsAgent(world, ['python3', '-c', script]);
    expect(python.stdout).toContain('403 {"error":{"code":"POLICY_DENIED"');
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
