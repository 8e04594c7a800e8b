import { spawnSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { BACK_DATING_MS, createAuthority, DAY_MS, parseAuthority } from './authority.ts';
import { createLeafKeyPair, issueLeaf } from './issue-leaf.ts';
import { startGoClient } from './testing/go-client.ts';

const authority = createAuthority({ commonName: 'OneCLI test authority', validDays: 3650 });
const signing = parseAuthority(authority);
const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.example.com`;
const HOSTS = [
  'api.openai.com',
  'xn--bcher-kva.example',
  '_dmarc.example.com',
  LONG,
  '192.0.2.7',
  '2001:db8::7',
  `${'c'.repeat(60)}.com`,
];
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let written = 0;
/** Writes a file into the test's folder and gives its path. */
function file(content: string, name = `${written++}.pem`): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const isIpAddress = (host: string): boolean => /^[\d.]+$|:/.test(host);

describe('createAuthority', () => {
  it('makes a self-signed ECDSA P-256 authority that lives as long as was asked', () => {
    const now = new Date('2030-01-01T00:00:00Z');
    const certificate = new X509Certificate(
      createAuthority({ commonName: 'Prüfstelle', validDays: 10, now }).certificatePem,
    );
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe('CN=Prüfstelle');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(Date.parse(certificate.validFrom)).toBe(now.getTime() - BACK_DATING_MS);
    expect(Date.parse(certificate.validTo)).toBe(now.getTime() + 10 * DAY_MS);
  });

  it('writes a date after 2049 in four digits', () => {
    const certificate = new X509Certificate(createAuthority({ commonName: 'Far', validDays: 20_000 }).certificatePem);
    expect(new Date(certificate.validTo).getUTCFullYear()).toBeGreaterThan(2049);
  });

  it.each([
    [{ commonName: '', validDays: 1 }],
    [{ commonName: 'x'.repeat(65), validDays: 1 }],
    [{ commonName: 'x', validDays: 0 }],
    [{ commonName: 'x', validDays: Number.NaN }],
  ])('refuses %j', (options) => {
    expect(() => createAuthority(options)).toThrow(RangeError);
  });
});

describe('parseAuthority', () => {
  it('refuses a leaf in place of the authority', () => {
    expect(() => parseAuthority(issueLeaf(signing, 'example.com'))).toThrow('not an authority');
  });

  it('refuses the key of another authority', () => {
    const other = createAuthority({ commonName: 'Other', validDays: 1 });
    expect(() => parseAuthority({ ...authority, privateKeyPem: other.privateKeyPem })).toThrow(
      'not that of the certificate',
    );
  });
});

describe('issueLeaf', () => {
  it.each(HOSTS)('is a certificate for %s and no other host', (host) => {
    const leaf = issueLeaf(signing, host);
    const certificate = new X509Certificate(leaf.certificatePem);
    const options = { subject: 'never' } as const;
    expect(isIpAddress(host) ? certificate.checkIP(host) : certificate.checkHost(host, options)).toBeDefined();
    expect(certificate.checkHost('other.example.com', options)).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.verify(createPublicKey(authority.certificatePem))).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
  });

  it('never has a serial number that is negative, longer than 20 octets, or used before', () => {
    const keyPair = createLeafKeyPair();
    const serials = Array.from(
      { length: 300 },
      () => new X509Certificate(issueLeaf(signing, 'example.com', { keyPair }).certificatePem).serialNumber,
    );
    expect(new Set(serials).size).toBe(300);
    // 17 octets that begin with 01: positive, minimal, and 128 bits of chance.
    for (const serial of serials) expect(serial).toMatch(/^0?1[0-9A-F]{32}$/);
  });

  it('lives at most 30 days in all and starts an hour early', () => {
    const now = new Date('2030-01-01T00:00:00Z');
    const certificate = new X509Certificate(issueLeaf(signing, 'example.com', { now }).certificatePem);
    expect(Date.parse(certificate.validFrom)).toBe(now.getTime() - BACK_DATING_MS);
    expect(Date.parse(certificate.validTo) + 1000 - Date.parse(certificate.validFrom)).toBe(30 * DAY_MS);
  });

  it('does not outlive its authority', () => {
    const short = parseAuthority(createAuthority({ commonName: 'Short', validDays: 2 }));
    expect(issueLeaf(short, 'example.com').notAfter).toEqual(short.notAfter);
    expect(() => issueLeaf(short, 'example.com', { now: new Date(Date.now() + 3 * DAY_MS) })).toThrow(
      'authority has expired',
    );
  });

  it.each([
    '',
    '*.example.com',
    'Example.com',
    'example.com.',
    'a..b',
    'a b',
    'a\0b',
    'bücher.example',
    '[::1]',
    'fe80::1%eth0',
    '-a.com',
    '../a',
    'a/b',
    'x'.repeat(64),
    `${'a.'.repeat(127)}com`,
  ])('refuses %j as a host', (host) => expect(() => issueLeaf(signing, host)).toThrow(RangeError));

  it.each([0, -1, 31, Number.NaN])('refuses a validity of %s days', (validDays) => {
    expect(() => issueLeaf(signing, 'example.com', { validDays })).toThrow(RangeError);
  });

  it('shares a key pair when it is given one', () => {
    const keyPair = createLeafKeyPair();
    const [one, two] = ['one.example', 'two.example'].map(
      (host) => new X509Certificate(issueLeaf(signing, host, { keyPair }).certificatePem),
    );
    expect(one?.publicKey.equals(two?.publicKey ?? createPublicKey(authority.certificatePem))).toBe(true);
  });
});

describe('a chain of authority and leaf', () => {
  it.each(HOSTS)('is accepted by Node for %s', async (host) => {
    const leaf = issueLeaf(signing, host);
    const server = createServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem }, (socket) => socket.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({
      port,
      host,
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      ca: authority.certificatePem,
      ...(isIpAddress(host)
        ? { path: undefined, host: '127.0.0.1', checkServerIdentity: () => undefined }
        : { servername: host }),
    });
    await once(client, 'secureConnect');
    expect(client.authorized).toBe(true);
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it.skipIf(!has('openssl', 'version')).each(HOSTS)('passes openssl verify -x509_strict for %s', (host) => {
    const leaf = file(issueLeaf(signing, host).certificatePem);
    const name = isIpAddress(host) ? ['-verify_ip', host] : ['-verify_hostname', host];
    const args = [
      'verify',
      '-x509_strict',
      '-check_ss_sig',
      '-purpose',
      'sslserver',
      ...name,
      '-CAfile',
      file(authority.certificatePem),
      leaf,
    ];
    expect(spawnSync('openssl', args, { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: `${leaf}: OK\n` });
  });

  it.skipIf(!has('openssl', 'version'))('has exactly the extensions of its profile (openssl)', () => {
    const shown = (pem: string): string =>
      spawnSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' }).stdout.replace(/\s+/g, ' ');
    const root = shown(authority.certificatePem);
    expect(root).toContain('X509v3 Basic Constraints: critical CA:TRUE, pathlen:0');
    expect(root).toContain('X509v3 Key Usage: critical Certificate Sign, CRL Sign X509v3 Subject Key Identifier');
    const leaf = shown(issueLeaf(signing, 'example.com').certificatePem);
    expect(leaf).toContain(
      'X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature X509v3 Extended Key Usage: TLS Web Server Authentication X509v3 Subject Alternative Name: DNS:example.com X509v3 Subject Key Identifier',
    );
    const identifier = /Subject Key Identifier: ([0-9A-F:]{59})/.exec(root)?.[1];
    expect(leaf).toContain(`Authority Key Identifier: ${identifier}`);
    expect(shown(issueLeaf(signing, LONG).certificatePem)).toMatch(
      /Subject: Subject Public Key.*Alternative Name: critical DNS/,
    );
  });

  it.skipIf(!has('python3', '-c', 'import ssl; ssl.VERIFY_X509_STRICT'))(
    "passes Python's ssl with VERIFY_X509_STRICT",
    () => {
      const leaves = HOSTS.map((host) => {
        const leaf = issueLeaf(signing, host);
        return [host, file(leaf.certificatePem + leaf.privateKeyPem)];
      });
      const args = [file(PYTHON, 'check.py'), file(authority.certificatePem), ...leaves.flat()] as string[];
      expect(spawnSync('python3', args, { encoding: 'utf8' })).toMatchObject({
        stderr: '',
        stdout: 'ok\n'.repeat(HOSTS.length),
      });
    },
  );

  // Elsewhere Go asks the system, which is not told of our authority.
  it.skipIf(process.platform !== 'linux' || !has('go', 'version'))("passes Go's crypto/x509", async () => {
    const go = await startGoClient(folder, file(authority.certificatePem), (host) => issueLeaf(signing, host));
    try {
      for (const host of HOSTS) expect(await go.ask(host), host).toBe('v1.2.3');
      // That it looks: a name that the leaf is not for, and an authority that it is not told of.
      go.leafFor = () => issueLeaf(signing, 'other.example.com');
      await expect(go.ask('api.openai.com')).rejects.toThrow('x509: certificate is valid for other.example.com');
      const other = parseAuthority(createAuthority({ commonName: 'Other', validDays: 1 }));
      go.leafFor = (host) => issueLeaf(other, host);
      await expect(go.ask('api.openai.com')).rejects.toThrow('x509: certificate signed by unknown authority');
    } finally {
      go.close();
    }
  });
});

/** A handshake over memory, so that the host can be any name. */
const PYTHON = `
import ssl, sys
ca, rest = sys.argv[1], sys.argv[2:]
for host, path in zip(rest[::2], rest[1::2]):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True)]
    for _ in range(4):
        for end in ends:
            try: end.do_handshake()
            except ssl.SSLWantReadError: pass
    assert ends[0].getpeercert()['subjectAltName']
    print('ok')
`;
