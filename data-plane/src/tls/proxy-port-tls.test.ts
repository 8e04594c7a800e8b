import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { type ClientNames, issueClientCertificate } from '@onecli/shared/certificates/issue-client-certificate';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';
import { goodExtensions, issueAuthority } from '../../../test/support/brought-authority.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { peerCertificate } from '../identity/client-certificate.ts';
import { loopbackPair } from '../proxy/testing/loopback-pair.ts';
import { interceptTls } from './intercept-tls.ts';
import { ProxyPortTls } from './proxy-port-tls.ts';
import { SharedTicketKeys } from './ticket-keys.ts';

const gateway = createAuthority({ commonName: 'gateway', validDays: 30 });
const clients = createAuthority({ commonName: 'clients', validDays: 30 });
const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

function tlsOf(...roots: string[]): ProxyPortTls {
  const proxyPortTls = new ProxyPortTls({
    names: ['gateway.example', 'localhost'],
    ticketKeys: new SharedTicketKeys(randomBytes(32)),
  });
  proxyPortTls.use(parseAuthority(gateway), roots);
  return proxyPortTls;
}

async function shakeHands(proxyPortTls: ProxyPortTls, options: ConnectionOptions = {}) {
  const pair = await loopbackPair();
  ends.push(() => pair.close());
  const intercepted = interceptTls(pair.near, Buffer.alloc(0), {
    secureContext: (serverName) => proxyPortTls.secureContextFor(serverName, '127.0.0.1'),
    asksForCertificate: proxyPortTls.asksForCertificate,
    handshakeTimeoutMs: 10_000,
  });
  const client = connect({ socket: pair.far, ca: gateway.certificatePem, servername: 'localhost', ...options });
  client.on('error', () => undefined);
  const [result] = await Promise.all([intercepted, once(client, 'secureConnect')]);
  if (result.kind === 'failed') throw new Error(result.detail);
  return { client, peer: peerCertificate(result.socket, () => undefined), server: result.socket };
}

const clientOf = (names: Partial<ClientNames>, by = clients): ConnectionOptions => {
  const all = { commonName: undefined, dnsNames: [], uris: [], ...names };
  const { certificatePem: cert, privateKeyPem: key } = issueClientCertificate(parseAuthority(by), all, {
    validDays: 1,
  });
  return { cert, key };
};
const namesOf = (client: TLSSocket) => client.getPeerX509Certificate()?.subjectAltName;

describe('ProxyPortTls', () => {
  it('has a certificate for each of its names and for the address, and for no other', async () => {
    const tls = tlsOf();
    const named = async (servername: string) =>
      namesOf((await shakeHands(tls, { servername, rejectUnauthorized: false })).client);
    expect(await named('gateway.example')).toBe('DNS:gateway.example');
    expect(await named('GATEWAY.example')).toBe('DNS:gateway.example');
    expect(await named('')).toBe('IP Address:127.0.0.1');
    expect(await named('api.openai.com')).toBe('IP Address:127.0.0.1');
  });

  it('asks nobody for a certificate while none is trusted', async () => {
    expect(tlsOf().asksForCertificate).toBe(false);
    const { peer } = await shakeHands(tlsOf(), clientOf({ commonName: 'ci' }));
    expect(peer).toBeUndefined();
  });

  it('lets a client do without one', async () => {
    expect((await shakeHands(tlsOf(clients.certificatePem))).peer).toBeUndefined();
  });

  it('knows a client by all names of its certificate', async () => {
    const names = { commonName: 'ci, O=x', dnsNames: ['ci.example'], uris: ['spiffe://example.org/ci'] };
    const { peer } = await shakeHands(tlsOf(clients.certificatePem), clientOf(names));
    expect(peer).toEqual({
      kind: 'trusted',
      names: ['commonName ci, O=x', 'dnsName ci.example', 'uri spiffe://example.org/ci'],
      expiresAtMs: expect.any(Number),
    });
  });

  it('takes a name that looks like two for none', async () => {
    const uris = ['spiffe://a/b, URI:spiffe://example.org/admin', 'x:"y', 'spiffe://example.org/ok'];
    const { peer } = await shakeHands(tlsOf(clients.certificatePem), clientOf({ uris }));
    expect(peer).toMatchObject({ kind: 'trusted', names: ['uri spiffe://example.org/ok'] });
  });

  it('trusts no certificate of another authority, whatever its name', async () => {
    const impostor = createAuthority({ commonName: 'clients', validDays: 30 });
    const { peer } = await shakeHands(tlsOf(clients.certificatePem), clientOf({ commonName: 'ci' }, impostor));
    expect(peer).toEqual({ kind: 'untrusted' });
  });

  it.each([
    ['the authority for hosts is not trusted for clients', clients.certificatePem],
    ['it were, by mistake', gateway.certificatePem],
  ])('takes a leaf of an intercepted host for no client, also if %s', async (_name, root) => {
    const leaf = issueLeaf(parseAuthority(gateway), 'ci.example');
    const { peer } = await shakeHands(tlsOf(root), { cert: leaf.certificatePem, key: leaf.privateKeyPem });
    expect(peer).toEqual({ kind: 'untrusted' });
  });

  it('takes an authority for no client', async () => {
    const { certificatePem: cert, privateKeyPem: key } = clients;
    expect((await shakeHands(tlsOf(cert), { cert, key })).peer).toEqual({ kind: 'untrusted' });
  });

  it('trusts other clients when the authorities change', async () => {
    const tls = tlsOf(clients.certificatePem);
    const presented = clientOf({ commonName: 'ci' });
    expect((await shakeHands(tls, presented)).peer).toMatchObject({ kind: 'trusted' });
    tls.use(parseAuthority(gateway), [createAuthority({ commonName: 'new', validDays: 1 }).certificatePem]);
    expect((await shakeHands(tls, presented)).peer).toEqual({ kind: 'untrusted' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes no session over %s: the certificate is judged each time',
    async (version) => {
      const tls = tlsOf(clients.certificatePem);
      const options = { ...clientOf({ commonName: 'ci' }), minVersion: version, maxVersion: version };
      const first = await shakeHands(tls, options);
      let session = first.client.getSession();
      first.client.on('session', (next) => (session = next));
      first.server.write('x');
      await once(first.client, 'data');
      const second = await shakeHands(tls, { ...options, ...(session && { session }) });
      expect(second.client.isSessionReused()).toBe(false);
      expect(second.peer).toMatchObject({ kind: 'trusted' });
    },
  );

  it('has no certificate for a name or address that the constraints of its authority leave out', () => {
    const extensions = [...goodExtensions, 'nameConstraints=critical,permitted;DNS:gateway.example'];
    const { certificate, privateKey } = issueAuthority(undefined, { extensions });
    const tls = new ProxyPortTls({
      names: ['localhost', 'gateway.example'],
      ticketKeys: new SharedTicketKeys(randomBytes(32)),
    });
    tls.use(parseAuthority({ certificatePem: certificate, privateKeyPem: privateKey }), []);
    expect(tls.secureContextFor('GATEWAY.example.', '127.0.0.1')).toBeDefined();
    for (const name of ['localhost', 'other.example', undefined])
      expect(tls.secureContextFor(name, '127.0.0.1')).toBeUndefined();
  });
});
