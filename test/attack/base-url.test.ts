// Base-URL mode under attack: names, tokens in URLs, loops, web pages.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, type AttackOutcome, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { canariesIn, canariesInFolder } from '../support/canary.ts';
import { proxyCredentials } from '../support/raw-agent.ts';
import { handshake } from '../support/web-socket-by-hand.ts';
import { boundHost, otherHost, startWorld, type World } from '../support/world.ts';

let world: World;
const seen: AttackOutcome[] = [];
beforeAll(async () => {
  world = await startWorld({ start: { env: { ONECLI_GATEWAY_NAMES: 'gateway.corp' } } });
  const hosts = [`127.0.0.1:${world.onecli.proxyPort}`, `localhost:${world.onecli.proxyPort}`];
  const source = { cidrs: [address] };
  await world.onecli.must('POST', '/api/agents', { name: 'by-address', identities: [{ source }] });
  const allow = { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] };
  await world.onecli.must('POST', '/api/policies', { name: 'by-address', agents: ['by-address'], rules: [{ allow }] });
  await world.onecli.must('POST', '/api/policies', {
    name: 'loop',
    agents: [world.agent],
    rules: [{ allow: { hosts } }],
  });
});
afterAll(() => world?.stop());

const key = { authorization: 'Bearer onecli://prod/openai' };

/** A request in base-URL mode; the agent's token in a header, unless the fields say otherwise. */
async function ask(
  target: string,
  fields: Record<string, string | undefined> = {},
  localAddress = '127.0.0.1',
): Promise<AttackOutcome> {
  const all = { host: `127.0.0.1:${world.onecli.proxyPort}`, 'x-onecli-agent-token': world.token, ...key, ...fields };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  const bytes = `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
  const outcome = await attack(world, { entry: 'plain', bytes, tunnel: { localAddress } });
  seen.push(outcome);
  return outcome;
}

/** Of an agent that is known by it alone. */
const address = '127.0.0.9';

const noHeader = { 'x-onecli-agent-token': undefined };

function expectServed(outcome: AttackOutcome, target: string): void {
  expect(outcome.answer.status).toBe(200);
  const [request] = world.upstream.requests;
  expect(outcome.upstreamRequests).toBe(1);
  expect([request?.target, request?.all('host'), request?.sni]).toEqual([target, [boundHost], boundHost]);
  expect(request?.header('authorization')).toBe(`Bearer ${world.canary}`);
  expect(canariesIn(outcome.upstreamBytes, [world.token])).toEqual([]);
  expect(outcome.upstreamBytes.toString('latin1')).not.toMatch(/onecli|\/to\//i);
  const path = target.replace(/\?.*/, '');
  expect(outcome.events).toMatchObject([{ agent: world.agent, host: boundHost, port: 443, path, decision: 'allow' }]);
}

describe('a request under /to/', () => {
  it.each([
    ['in X-OneCLI-Agent-Token', '', {}],
    ['ahead of the host', 'TOKEN@', noHeader],
    ['ahead of the host, with the agent’s name', 'mallory:TOKEN@', noHeader],
    ['ahead of the host and in a header', 'mallory:TOKEN@', {}],
  ])('with the token %s goes to its host with the real key, and the token to nobody', async (_where, user, fields) => {
    const place = `${user.replace('TOKEN', world.token)}${boundHost}`;
    expectServed(await ask(`/to/${place}/v1/models?limit=2`, fields), '/v1/models?limit=2');
  });

  it('with the token in Proxy-Authorization too', async () => {
    const proxy = { ...noHeader, 'proxy-authorization': proxyCredentials(world.agent, world.token) };
    expectServed(await ask(`/to/${boundHost.toUpperCase()}:443/v1/x`, proxy), '/v1/x');
  });

  it('is the same as an https URL in absolute form', async () => {
    const proxy = { ...noHeader, host: boundHost, 'proxy-authorization': proxyCredentials(world.agent, world.token) };
    expectServed(await ask(`https://${boundHost}/v1/x`, proxy), '/v1/x');
  });

  it('keeps its token out of a Referer that it sends along', async () => {
    const referer = `http://127.0.0.1:${world.onecli.proxyPort}/to/${world.token}@${boundHost}/v1/page`;
    expectServed(await ask(`/to/${world.token}@${boundHost}/v1/x`, { ...noHeader, referer }), '/v1/x');
    expect(world.upstream.requests[0]?.header('referer')).toBeUndefined();
  });

  it('is judged by policy, by its own path', async () => {
    expectRefusal(await ask(`/to/${boundHost}/v2/x`), 403, 'POLICY_DENIED');
    expectRefusal(await ask(`/to/unknown.example/v1/x`), 403, 'POLICY_DENIED');
    expectRefusal(await ask(`/to/${otherHost}/v1/x`), 403, 'PLACEHOLDER_NOT_BOUND');
  });

  it.each(['/v1/../v2', '/v1/%2e%2e/v2', '/v1/..%2Fv2', '/v1\\..\\v2', '/v1/x#y'])(
    'with a target %s that two servers read in two ways is refused',
    async (rest) => expectRefusal(await ask(`/to/${boundHost}${rest}`), 400, 'BAD_TARGET'),
  );

  it('with an escaped slash is judged in both readings', async () => {
    expectRefusal(await ask(`/to/${boundHost}/v1%2Fx`), 403, 'POLICY_DENIED');
    expectServed(await ask(`/to/${boundHost}/v1/a%2Fb//c`), '/v1/a%2Fb//c');
  });

  it.each([
    `/to/a@b@${boundHost}/v1/x`,
    `/to/${otherHost}%40${boundHost}/v1/x`,
    `/to/${boundHost}%2F@${otherHost}/v1/x`,
    `/to/a:b:c@${boundHost}/v1/x`,
    '/to//v1/x',
    `/to/http://${boundHost}/v1/x`,
    `/to/../to/${boundHost}/v1/x`,
  ])('%s names no host', async (target) => {
    expectRefusal(await ask(target), 400, 'BAD_TARGET');
  });

  it('goes where its own host says, whatever its other names say', async () => {
    const fields = { host: otherHost, 'x-forwarded-host': otherHost, forwarded: `host=${otherHost}` };
    expectServed(
      await ask(`/to/${boundHost}/v1/@${otherHost}/x?h=${otherHost}`, fields),
      `/v1/@${otherHost}/x?h=${otherHost}`,
    );
  });

  it.each(['two Host headers', 'no Host'])('with %s is refused', async (which) => {
    const host = which === 'no Host' ? '' : 'Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n';
    const bytes = `GET /to/${world.token}@${boundHost}/v1/x HTTP/1.1\r\n${host}\r\n`;
    expectRefusal(await attack(world, { entry: 'plain', bytes }), 400, 'BAD_REQUEST');
  });

  it('cannot go round and round through the gateway', async () => {
    const own = `127.0.0.1:${world.onecli.proxyPort}`;
    for (const host of [own, own.replace('127.0.0.1', 'localhost')]) {
      const outcome = await ask(`/to/${host}/to/${world.token}@${host}/to/${boundHost}/v1/x`, {
        authorization: undefined,
      });
      expectRefusal(outcome, 403, 'ADDRESS_REFUSED');
    }
  });

  it('that went to a wrong place by proxy shows its token to nobody', async () => {
    const proxy = { ...noHeader, 'proxy-authorization': proxyCredentials(world.agent, world.token), host: boundHost };
    expectRefusal(await ask(`https://${boundHost}/to/me:${world.token}@h/x`, proxy), 403, 'POLICY_DENIED');
  });

  it('without a token, or with a wrong one, is nobody’s', async () => {
    expectRefusal(await ask(`/to/${boundHost}/v1/x`, noHeader), 407, 'PROXY_AUTH_REQUIRED');
    expectRefusal(await ask(`/to/wrong@${boundHost}/v1/x`, noHeader), 407, 'PROXY_AUTH_INVALID');
    expectRefusal(await ask(`/to/${boundHost}/v1/x`, { 'x-onecli-agent-token': '' }), 407, 'PROXY_AUTH_INVALID');
  });

  it('with two identities that disagree is refused', async () => {
    expectRefusal(await ask(`/to/wrong@${boundHost}/v1/x`), 407, 'IDENTITY_CONFLICT');
    const proxy = { 'proxy-authorization': proxyCredentials(world.agent, 'wrong') };
    expectRefusal(await ask(`/to/${boundHost}/v1/x`, proxy), 407, 'IDENTITY_CONFLICT');
  });

  it('is read on the proxy port alone: inside a tunnel /to/ is a path like any other', async () => {
    const bytes = `GET /to/${boundHost}/v1/x HTTP/1.1\r\nHost: ${boundHost}\r\nAuthorization: Bearer onecli://prod/openai\r\n\r\n`;
    expectRefusal(await attack(world, { bytes }), 403, 'POLICY_DENIED');
  });
});

describe('a page in a browser', () => {
  const pages = [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-origin' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' },
  ];

  it.each(pages)('%o acts for no agent, not with a token in its URL either', async (fields) => {
    expectRefusal(await ask(`/to/${boundHost}/v1/x`, { ...noHeader, ...fields }), 403, 'BROWSER_REFUSED');
    expectRefusal(
      await ask(`/to/${world.token}@${boundHost}/v1/x`, { ...noHeader, ...fields }),
      403,
      'BROWSER_REFUSED',
    );
  });

  it('opens no WebSocket either, which a browser lets it open to any origin', async () => {
    const page = { ...noHeader, ...handshake, origin: 'https://evil.example' };
    for (const user of ['', `${world.token}@`, `mallory:${world.token}@`])
      for (const localAddress of ['127.0.0.1', address])
        expectRefusal(await ask(`/to/${user}${boundHost}/v1/ws`, page, localAddress), 403, 'BROWSER_REFUSED');
  });

  it('whose name resolves to the gateway is told apart by that name', async () => {
    const rebound = { ...noHeader, host: `evil.example:${world.onecli.proxyPort}` };
    expectRefusal(await ask(`/to/${boundHost}/v1/x`, rebound), 421, 'GATEWAY_NAME_UNKNOWN');
    expectRefusal(
      await ask(`/to/${boundHost}/v1/x`, { ...noHeader, host: 'gateway.corp' }),
      407,
      'PROXY_AUTH_REQUIRED',
    );
  });
});

describe('an agent that is known by its address alone', () => {
  const target = `/to/${boundHost}/v1/x`;
  const fromThere = (fields: Record<string, string>, at = target) => ask(at, { ...noHeader, ...fields }, address);

  it('is served, by an IP address, localhost or a name of the gateway', async () => {
    for (const host of ['127.0.0.1', `localhost:${world.onecli.proxyPort}`, 'Gateway.corp']) {
      const outcome = await fromThere({ host });
      expect([outcome.answer.status, outcome.upstreamRequests]).toEqual([200, 1]);
      expect(outcome.events).toMatchObject([{ agent: 'by-address', host: boundHost, path: '/v1/x' }]);
      expect(world.upstream.requests[0]?.header('authorization')).toBe(`Bearer ${world.canary}`);
    }
  });

  it('is not whom a page in a browser at that address acts for', async () => {
    const pages = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
      { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0', referer: 'https://evil.example/' },
    ];
    for (const page of pages) expectRefusal(await fromThere(page), 403, 'BROWSER_REFUSED');
    expectRefusal(await fromThere({ host: `evil.example:${world.onecli.proxyPort}` }), 421, 'GATEWAY_NAME_UNKNOWN');
  });

  it('is not taken for it where a token that is not valid was sent', async () => {
    expectRefusal(await fromThere({ 'x-onecli-agent-token': '' }), 407, 'PROXY_AUTH_INVALID');
    expectRefusal(await fromThere({ 'x-onecli-agent-token': 'wrong', origin: 'x' }), 407, 'PROXY_AUTH_INVALID');
    expectRefusal(await fromThere({}, `/to/wrong@${boundHost}/v1/x`), 407, 'PROXY_AUTH_INVALID');
    expectRefusal(await fromThere({ 'x-onecli-agent-token': world.token }), 407, 'IDENTITY_CONFLICT');
  });
});

describe('the token of a URL', () => {
  it('is in no log, file, audit event or answer, and no secret is anywhere either', async () => {
    expect(seen.length).toBeGreaterThan(30);
    expect(canariesIn(world.onecli.log, [world.token])).toEqual([]);
    expect(canariesInFolder(world.onecli.dataFolder, [world.token])).toEqual([]);
    expect(canariesIn(JSON.stringify(await world.audit()), [world.token])).toEqual([]);
    for (const { agentBytes } of seen) expect(canariesIn(agentBytes, [world.token])).toEqual([]);
    expectCanariesNowhere(world);
  });
});
