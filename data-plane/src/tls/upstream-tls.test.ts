import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Origin, UpstreamTls } from './upstream-tls.ts';

const authority = createAuthority({ commonName: 'Upstream authority', validDays: 2 });
const signing = parseAuthority(authority);
const servers = new Map<string, Server>();

beforeAll(async () => {
  for (const maxVersion of ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
    for (const host of ['upstream.example', '127.0.0.1']) {
      const leaf = issueLeaf(signing, host);
      const options = {
        cert: leaf.certificatePem,
        key: leaf.privateKeyPem,
        maxVersion,
        minVersion: 'TLSv1' as const,
        ciphers: 'DEFAULT@SECLEVEL=0',
      };
      const server = createServer(options, (socket) => socket.end('hello'));
      server.on('tlsClientError', () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.set(`${maxVersion} ${host}`, server);
    }
  }
});
afterAll(() => {
  for (const server of servers.values()) server.close();
});

/** Dials the server and reads to the end. Gives whether the session was resumed, or the code of the failure. */
async function dial(
  upstream: UpstreamTls,
  version: string,
  origin: Origin,
  certificateFor = 'upstream.example',
): Promise<string> {
  const server = servers.get(`${version} ${certificateFor}`);
  if (!server) throw new Error('no such server');
  const { port } = server.address() as AddressInfo;
  const raw = connectTcp(port, '127.0.0.1');
  const socket = connect({ ...upstream.connectionOptions(origin), socket: raw });
  upstream.rememberSessions(socket, origin);
  socket.resume();
  let outcome = 'closed';
  socket.once('secureConnect', () => (outcome = socket.isSessionReused() ? 'resumed' : 'full'));
  socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? error.message));
  await new Promise((resolve) => socket.once('close', resolve));
  return outcome;
}

describe('UpstreamTls', () => {
  const origin = { host: 'upstream.example', port: 443 };

  it('trusts the extra roots', async () => {
    const upstream = new UpstreamTls({ extraRootsPem: `# comment\n${authority.certificatePem}` });
    expect(await dial(upstream, 'TLSv1.3', origin)).toBe('full');
  });

  it('does not trust an authority that it was not given', async () => {
    expect(await dial(new UpstreamTls(), 'TLSv1.3', origin)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  it('does not take a certificate for another name', async () => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem });
    expect(await dial(upstream, 'TLSv1.3', { host: 'other.example', port: 443 })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('verifies an IP literal against the addresses in the certificate', async () => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem });
    expect(await dial(upstream, 'TLSv1.3', { host: '127.0.0.1', port: 443 }, '127.0.0.1')).toBe('full');
    expect(await dial(upstream, 'TLSv1.3', { host: '127.0.0.2', port: 443 }, '127.0.0.1')).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  it('speaks nothing older than TLS 1.2', async () => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem });
    expect(await dial(upstream, 'TLSv1.1', origin)).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('resumes a %s session of the same origin only', async (version) => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem });
    expect(await dial(upstream, version, origin)).toBe('full');
    expect(await dial(upstream, version, origin)).toBe('resumed');
    expect(upstream.connectionOptions({ host: 'upstream.example', port: 8443 }).session).toBeUndefined();
    expect(upstream.connectionOptions({ host: 'other.example', port: 443 }).session).toBeUndefined();
    upstream.forgetSession(origin);
    expect(await dial(upstream, version, origin)).toBe('full');
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('keeps no %s session of a connection that was not verified', async (version) => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem });
    const other = { host: 'other.example', port: 443 };
    expect(await dial(upstream, version, other)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(upstream.connectionOptions(other).session).toBeUndefined();
  });

  it('keeps no more sessions than it may', async () => {
    const upstream = new UpstreamTls({ extraRootsPem: authority.certificatePem, maxSessions: 1 });
    await dial(upstream, 'TLSv1.3', origin);
    await dial(upstream, 'TLSv1.3', { ...origin, port: 8443 });
    expect(upstream.connectionOptions(origin).session).toBeUndefined();
    expect(upstream.connectionOptions({ ...origin, port: 8443 }).session).toBeDefined();
  });
});
