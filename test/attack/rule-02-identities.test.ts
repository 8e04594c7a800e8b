// Each kind of identity, and what must not pass for one. Whoever is not recognised reaches nothing and gets no credential.
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttackOutcome, attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { balancer, type IdentitiesWorld, mesh, office, startIdentitiesWorld } from '../support/identities-world.ts';
import { enterProxy, openTunnel, requestBytes, type TunnelOptions } from '../support/raw-agent.ts';
import { makeTestAuthority, type TestLeaf } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost } from '../support/world.ts';

const authorization = { authorization: 'Bearer onecli://prod/openai' };
let identities: IdentitiesWorld;
let world: IdentitiesWorld['world'];
let customer: IdentitiesWorld['customer'];
let issuer: IdentitiesWorld['issuer'];
let plain: IdentitiesWorld['plain'];
let boundToken: string;
let issued: IdentitiesWorld['issued'];
let folder: string;

beforeAll(async () => {
  identities = await startIdentitiesWorld();
  ({ world, customer, issuer, plain, boundToken, issued, folder } = identities);
});
afterAll(() => identities?.stop());

const tls = (more: ConnectionOptions = {}): ConnectionOptions => ({ ca: world.caPem, ...more });
const bearer = (jwt: string): string => `Proxy-Authorization: Bearer ${jwt}\r\n`;
const leaf = ({ key, cert }: Pick<TestLeaf, 'key' | 'cert'>): ConnectionOptions => tls({ key, cert });

/** Comes in without the world's token and asks for the secret; what is refused is refused at the CONNECT. */
async function comeIn(tunnel: Partial<TunnelOptions>): Promise<AttackOutcome> {
  const nobody: Partial<TunnelOptions> = { agent: 'x', token: undefined };
  return attack(world, { tunnel: { ...nobody, ...tunnel }, bytes: requestBytes('GET', '/v1/models', authorization) });
}

async function expectAgent(tunnel: Partial<TunnelOptions>, agent: string): Promise<void> {
  const outcome = await comeIn(tunnel);
  expect(outcome.answer.status, outcome.answer.text).toBe(200);
  expect(outcome.events.map((event) => event.agent)).toEqual([agent]);
  expect(outcome.upstreamBytes.toString('latin1')).toContain(world.canary);
  expect(outcome.upstreamBytes.toString('latin1').toLowerCase()).not.toMatch(/proxy-authorization|x-mesh-agent/);
  outcome.connection?.close();
}

async function expectRefused(tunnel: Partial<TunnelOptions>, code: string, status = 407): Promise<AttackOutcome> {
  const outcome = await comeIn(tunnel);
  expectRefusal(outcome, status, code);
  expect(outcome.events[0]?.agent).toBeNull();
  return outcome;
}

describe('a token', () => {
  it('goes through a proxy port over TLS, whose certificate is for the name or the address', async () => {
    await expectAgent({ token: world.token, proxyTls: tls() }, 'mallory');
    await expectAgent({ token: world.token, proxyTls: tls({ servername: 'localhost' }) }, 'mallory');
    const stranger = { proxyPort: world.onecli.proxyPort, proxyTls: tls({ servername: 'api.openai.com' }) };
    await expect(enterProxy(stranger)).rejects.toThrow(/not in the cert|does not match/);
  });

  it('that is bound to addresses is good from there', () =>
    expectAgent({ token: boundToken, localAddress: '127.0.0.6' }, 'bound'));

  it('that is bound to addresses is refused from elsewhere', async () => {
    await expectRefused({ token: boundToken }, 'PROXY_AUTH_INVALID');
  });
});

describe('a client certificate', () => {
  it('issued by the gateway is its agent', () => expectAgent({ proxyTls: leaf(issued) }, 'certified'));

  it("by the customer's authority is its agent, by common name and by SPIFFE id", async () => {
    await expectAgent({ proxyTls: leaf(customer.issueClient('certified')) }, 'certified');
    const alternatives = 'URI:spiffe://example.org/certified';
    await expectAgent({ proxyTls: leaf(customer.issueClient('any', { alternatives })) }, 'certified');
  });

  it('of no agent is passed over', async () => {
    const stranger = leaf(customer.issueClient('stranger'));
    await expectRefused({ proxyTls: stranger }, 'PROXY_AUTH_REQUIRED');
    await expectAgent({ proxyTls: stranger, token: world.token }, 'mallory');
  });

  it('by another authority is refused, with a good token beside it as well', async () => {
    const forged = leaf(makeTestAuthority(join(folder, 'forger'), 'Customer agents').issueClient('certified'));
    await expectRefused({ proxyTls: forged }, 'PROXY_AUTH_INVALID');
    await expectRefused({ proxyTls: forged, token: world.token }, 'PROXY_AUTH_INVALID');
  });

  it('that has expired, or is for servers, is refused', async () => {
    await expectRefused({ proxyTls: leaf(customer.issueClient('certified', { days: -1 })) }, 'PROXY_AUTH_INVALID');
    const server = leaf(customer.issueClient('certified', { usage: 'serverAuth' }));
    await expectRefused({ proxyTls: server }, 'PROXY_AUTH_INVALID');
  });

  it('whose name only looks like an agent’s is passed over', async () => {
    const alternatives = 'DNS:certified,email:certified@example.org,URI:spiffe://example.org/certified/x';
    await expectRefused({ proxyTls: leaf(customer.issueClient('CERTIFIED', { alternatives })) }, 'PROXY_AUTH_REQUIRED');
  });

  it('beside the token of another agent is refused', async () => {
    await expectRefused({ proxyTls: leaf(issued), token: world.token }, 'IDENTITY_CONFLICT');
  });
});

describe('a client certificate with a base URL', () => {
  const ask = (proxyTls: ConnectionOptions, fields: Record<string, string> = {}): Promise<AttackOutcome> =>
    attack(world, {
      entry: 'plain',
      tunnel: { proxyTls },
      bytes: requestBytes('GET', `/to/${boundHost}/v1/models`, {
        host: `127.0.0.1:${world.onecli.proxyPort}`,
        ...authorization,
        ...fields,
      }),
    });

  it('issued by the gateway, or by the customer’s authority, is its agent', async () => {
    for (const own of [issued, customer.issueClient('certified')]) {
      const outcome = await ask(leaf(own));
      expect(outcome.answer.status, outcome.answer.text).toBe(200);
      expect(outcome.events).toMatchObject([{ agent: 'certified', host: boundHost, path: '/v1/models' }]);
      expect(outcome.upstreamBytes.toString('latin1')).toContain(`Bearer ${world.canary}`);
      expect(outcome.upstreamBytes.toString('latin1')).not.toContain('/to/');
      outcome.connection?.close();
    }
  });

  it('by another authority is refused, and without one nobody is known', async () => {
    const stranger = makeTestAuthority(join(folder, 'stranger-base'), 'Stranger');
    expectRefusal(await ask(leaf(stranger.issueClient('certified'))), 407, 'PROXY_AUTH_INVALID');
    expectRefusal(await ask(tls()), 407, 'PROXY_AUTH_REQUIRED');
  });

  it('beside the token of another agent is refused', async () => {
    const outcome = await ask(leaf(issued), { 'x-onecli-agent-token': world.token });
    expectRefusal(outcome, 407, 'IDENTITY_CONFLICT');
  });
});

describe('a JWT', () => {
  const sub = 'spiffe://example.org/signed';

  it('is its agent, and is verified once', async () => {
    const jwt = await issuer.sign({ claims: { sub } });
    for (let round = 0; round < 3; round++) await expectAgent({ connectLines: bearer(jwt) }, 'signed');
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('is asked for in a 407, beside the token', async () => {
    const { answer } = await expectRefused({}, 'PROXY_AUTH_REQUIRED');
    const challenges = answer.headers.filter(([name]) => name.toLowerCase() === 'proxy-authenticate');
    expect(challenges.map(([, value]) => value.split(' ')[0])).toEqual(['Basic', 'Bearer']);
  });

  it('for another audience, subject or issuer, or that has expired, is refused', async () => {
    const wrong = [
      await issuer.sign({ claims: { sub }, audience: 'another' }),
      await issuer.sign({ claims: { sub: `${sub}/x` } }),
      await issuer.sign({ claims: {} }),
      await issuer.sign({ claims: { sub }, issuer: 'https://another.example' }),
      await issuer.sign({ claims: { sub }, expiresIn: -60 }),
      await issuer.sign({ claims: { sub }, kid: 'unknown' }),
    ];
    for (const jwt of wrong) await expectRefused({ connectLines: bearer(jwt) }, 'PROXY_AUTH_INVALID');
  });

  it('that is not signed, or with a key that everybody has, is refused', async () => {
    const content = { sub, iss: issuer.issuer, aud: 'onecli', exp: Math.floor(Date.now() / 1000) + 300 };
    const none = new UnsecuredJWT(content).encode();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const published = Buffer.from(JSON.stringify(issuer.publicKey));
    const header = { kid: String(issuer.publicKey.kid) };
    const wrong = [
      none,
      `${none}AAAA`,
      await new SignJWT(content).setProtectedHeader({ ...header, alg: 'HS256' }).sign(published),
      await new SignJWT(content).setProtectedHeader({ ...header, alg: 'ES256' }).sign(privateKey),
    ];
    for (const jwt of wrong) await expectRefused({ connectLines: bearer(jwt) }, 'PROXY_AUTH_INVALID');
  });

  it('beside a certificate of another agent is refused', async () => {
    const jwt = await issuer.sign({ claims: { sub } });
    await expectRefused({ connectLines: bearer(jwt), proxyTls: leaf(issued) }, 'IDENTITY_CONFLICT');
  });
});

describe('a header', () => {
  const named = 'X-Mesh-Agent: meshed\r\n';

  it('is believed from its proxy', () => expectAgent({ connectLines: named, localAddress: mesh }, 'meshed'));

  it('is not believed from elsewhere', async () => {
    await expectRefused({ connectLines: named }, 'PROXY_AUTH_REQUIRED');
    await expectAgent({ connectLines: named, token: world.token }, 'mallory');
  });

  it('beside the token of another agent is refused', async () => {
    await expectRefused({ connectLines: named, localAddress: mesh, token: world.token }, 'IDENTITY_CONFLICT');
  });

  it('of a request outside a tunnel is not passed on to the upstream', async () => {
    const connection = await enterProxy({ proxyPort: world.onecli.proxyPort, localAddress: mesh });
    connection.send(`GET http://plain.example/v1/x HTTP/1.1\r\nHost: plain.example\r\n${named}X-Other: kept\r\n\r\n`);
    expect((await connection.readResponse()).status).toBe(200);
    connection.close();
    const received = plain.receivedBytes().toString('latin1').toLowerCase();
    expect(received).toContain('x-other: kept');
    expect(received).not.toContain('x-mesh-agent');
  });

  it('inside a tunnel changes nothing', async () => {
    const bytes = requestBytes('GET', '/v1/models', { ...authorization, 'x-mesh-agent': 'meshed' });
    const outcome = await attack(world, { tunnel: { localAddress: mesh }, bytes });
    expect(outcome.events.map((event) => event.agent)).toEqual(['mallory']);
    outcome.connection?.close();
  });
});

describe('a source address', () => {
  it('is its agent', () => expectAgent({ localAddress: office }, 'office'));

  it('is that which a trusted load balancer tells, by either version', async () => {
    await expectAgent({ localAddress: balancer, preamble: line('198.51.100.7') }, 'office');
    await expectAgent({ localAddress: balancer, preamble: version2([198, 51, 100, 7]) }, 'office');
    await expectAgent({ localAddress: balancer, preamble: line('203.0.113.5'), token: boundToken }, 'bound');
    await expectAgent({ localAddress: balancer, preamble: line('198.51.100.7'), proxyTls: tls() }, 'office');
  });

  it('is not that of the balancer itself', async () => {
    await expectRefused({ localAddress: balancer, token: boundToken }, 'PROXY_AUTH_INVALID');
    await expectRefused({ localAddress: balancer, preamble: 'PROXY UNKNOWN\r\n' }, 'PROXY_AUTH_REQUIRED');
  });

  it.each([
    ['line', () => line('198.51.100.7')],
    ['header of version 2', () => version2([198, 51, 100, 7])],
  ])('told by a stranger in a PROXY %s is refused', async (_name, preamble) => {
    await expectRefused({ preamble: preamble() }, 'BAD_REQUEST', 400);
    await expectRefused({ preamble: preamble(), token: world.token }, 'BAD_REQUEST', 400);
  });

  it('told twice is refused: the second is the client’s', async () => {
    const preamble = line('203.0.113.9') + line('198.51.100.7');
    await expectRefused({ localAddress: balancer, preamble }, 'BAD_REQUEST', 400);
  });

  it('beside the token of another agent is refused', async () => {
    await expectRefused({ localAddress: office, token: world.token }, 'IDENTITY_CONFLICT');
  });
});

describe('an identity that is taken away', () => {
  it('ends the open tunnel', async () => {
    const create = { name: 'passing', labels: { known: 'yes' }, identities: [{ source: { cidrs: ['127.0.0.5'] } }] };
    await world.onecli.must('POST', '/api/agents', create);
    const options = { proxyPort: world.onecli.proxyPort, localAddress: '127.0.0.5', ca: world.caPem };
    const tunnel = await waitUntil('it may come in', async () => {
      const opened = await openTunnel(options);
      return opened.kind === 'open' ? opened : undefined;
    });
    tunnel.connection.send(requestBytes('GET', '/v1/models'));
    expect((await tunnel.connection.readResponse()).status).toBe(200);
    await world.onecli.must('PUT', '/api/agents/passing', { identities: [{ source: { cidrs: ['192.0.2.1'] } }] });
    await waitUntil('nobody comes in by it', async () => (await openTunnel(options)).kind === 'refused');
    world.upstream.reset();
    tunnel.connection.send(requestBytes('GET', '/v1/models', authorization));
    await tunnel.connection.untilClosed();
    expect(world.upstream.requests).toHaveLength(0);
  });
});

it('leaves secrets, keys and tokens nowhere', async () => {
  expectCanariesNowhere(world);
  const keyLine = issued.key.split('\n')[1] ?? '';
  for (const told of [keyLine, boundToken, world.token]) expect(world.onecli.log).not.toContain(told);
});

function line(source: string): string {
  return `PROXY TCP4 ${source} 127.0.0.1 40000 10254\r\n`;
}

function version2(source: readonly number[]): Buffer {
  const head = Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex');
  return Buffer.concat([head, Buffer.from([...source, 127, 0, 0, 1, 0x9c, 0x40, 0x28, 0x0e])]);
}
