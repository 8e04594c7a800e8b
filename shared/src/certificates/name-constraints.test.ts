import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goodExtensions, issueAuthority } from '../../../test/support/brought-authority.ts';
import { mayIssueFor, parseAuthority } from './authority.ts';
import { issueLeaf } from './issue-leaf.ts';
import { describeConstraints } from './name-constraints.ts';

const root = issueAuthority(undefined);

/** An intermediate with name constraints, as openssl writes them. */
function constrained(nameConstraints: string, subject?: string) {
  const extensions = [...goodExtensions, `nameConstraints=critical,${nameConstraints}`];
  const { certificate, privateKey } = issueAuthority(root, { extensions, ...(subject && { subject }) });
  return parseAuthority({ certificatePem: certificate, privateKeyPem: privateKey, chain: [root.certificate] });
}

/** What openssl says of a leaf, for its host. */
function verifies(authority: ReturnType<typeof constrained>, host: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-constraints-'));
  const unconstrained = {
    ...authority,
    constraints: authority.constraints
      .filter((one) => one.hasDirectoryNames)
      .map((one) => ({ ...one, permitted: { dns: [], addresses: [] }, excluded: { dns: [], addresses: [] } })),
  };
  writeFileSync(join(folder, 'leaf.pem'), issueLeaf(unconstrained, host).certificatePem);
  writeFileSync(join(folder, 'chain.pem'), authority.chainPem);
  writeFileSync(join(folder, 'root.pem'), authority.trustPem);
  const args = ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'leaf.pem'];
  const { status } = spawnSync('openssl', args, { cwd: folder });
  rmSync(folder, { recursive: true });
  return status === 0;
}

describe('name constraints', () => {
  it.each([
    [
      'permitted;DNS:example.com',
      ['example.com', 'a.example.com', 'a.b.example.com'],
      ['example.org', 'badexample.com', 'com', 'example.com.evil.org'],
    ],
    ['permitted;DNS:.example.com', ['a.example.com'], ['example.com', 'badexample.com']],
    ['permitted;DNS:EXAMPLE.com', ['a.example.com'], ['example.org']],
    ['excluded;DNS:example.com', ['example.org', '192.0.2.1'], ['example.com', 'a.example.com']],
    [
      'permitted;DNS:example.com,excluded;DNS:secret.example.com',
      ['a.example.com'],
      ['secret.example.com', 'a.secret.example.com'],
    ],
    ['permitted;IP:192.0.2.0/255.255.255.0', ['192.0.2.7'], ['192.0.3.7', '2001:db8::1']],
    ['permitted;IP:2001:db8::/ffff:ffff::', ['2001:db8::7'], ['2001:db9::7', '192.0.2.7']],
    ['excluded;IP:10.0.0.0/255.0.0.0', ['192.0.2.7', 'example.com', '2001:db8::7'], ['10.1.2.3']],
  ])(
    '%s: what it lets through clients accept, and what it refuses they would not, or nobody has permitted it',
    (text, good, bad) => {
      const authority = constrained(text);
      for (const host of good)
        expect({ host, is: [mayIssueFor(authority, host), verifies(authority, host)] }).toEqual({
          host,
          is: [true, true],
        });
      for (const host of bad) {
        expect({ host, is: mayIssueFor(authority, host) }).toEqual({ host, is: false });
        expect(() => issueLeaf(authority, host)).toThrow('may not issue');
      }
    },
  );

  it.each([
    ['permitted;DNS:example.com', 'EXAMPLE.ORG'],
    ['permitted;DNS:example.com', 'example.org.'],
    ['permitted;DNS:example.com', '192.0.2.1'],
    ['permitted;DNS:example.com', '2001:db8::1'],
    ['permitted;DNS:example.com', '::ffff:192.0.2.1'],
    ['permitted;IP:192.0.2.0/255.255.255.0', 'example.com'],
    ['excluded;DNS:example.com', 'A.EXAMPLE.COM'],
    ['excluded;DNS:example.com', 'a.example.com.'],
    ['excluded;IP:10.0.0.0/255.0.0.0', '::ffff:10.1.2.3'],
    ['excluded;IP:10.0.0.0/255.0.0.0', '::FFFF:0A01:0203'],
  ])('%s is not got round by %s', (text, host) => {
    expect(mayIssueFor(constrained(text), host)).toBe(false);
  });

  it.each(['A.Example.COM', 'a.example.com.'])('lets %s through where example.com is permitted', (host) => {
    expect(mayIssueFor(constrained('permitted;DNS:example.com'), host)).toBe(true);
  });

  it('holds for every certificate above: the root may say less than the intermediate', () => {
    const extensions = [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign',
      'subjectKeyIdentifier=hash',
      'nameConstraints=critical,permitted;DNS:example.com',
    ];
    const narrow = issueAuthority(undefined, { extensions });
    const own = issueAuthority(narrow, {
      extensions: [...goodExtensions, 'nameConstraints=critical,permitted;DNS:com'],
    });
    const authority = parseAuthority({
      certificatePem: own.certificate,
      privateKeyPem: own.privateKey,
      chain: [narrow.certificate],
    });
    expect(['a.example.com', 'a.com'].map((host) => mayIssueFor(authority, host))).toEqual([true, false]);
    expect(authority.constraints.flatMap(describeConstraints)).toEqual([
      'permitted DNS com',
      'permitted DNS example.com',
    ]);
  });

  it('leaves the subject of leaves empty where subjects are constrained, so that clients accept them', () => {
    const extensions = [
      ...goodExtensions,
      'nameConstraints=critical,@nc',
      '[nc]',
      'permitted;dirName=dn',
      'permitted;DNS=example.com',
      '[dn]',
      'O=Example',
    ];
    const { certificate, privateKey } = issueAuthority(root, { extensions });
    const authority = parseAuthority({
      certificatePem: certificate,
      privateKeyPem: privateKey,
      chain: [root.certificate],
    });
    expect(verifies(authority, 'a.example.com')).toBe(true);
    expect(
      execFileSync('openssl', ['x509', '-noout', '-subject'], {
        input: issueLeaf(authority, 'a.example.com').certificatePem,
      })
        .toString()
        .trim(),
    ).toBe('subject=');
  });
});

describe('an authority that was brought', () => {
  it.each([
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['P-521', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['RSA 3072', ['rsa:3072']],
  ])('signs leaves with %s that strict clients accept by its root', (_name, key) => {
    const { certificate, privateKey } = issueAuthority(root, { key });
    const authority = parseAuthority({
      certificatePem: certificate,
      privateKeyPem: privateKey,
      chain: [root.certificate],
    });
    expect(verifies(authority, 'api.example.com')).toBe(true);
  });

  it('never issues beyond the end of a certificate above it', () => {
    const short = issueAuthority(undefined, { days: 2 });
    const own = issueAuthority(short, { days: 30 });
    const authority = parseAuthority({
      certificatePem: own.certificate,
      privateKeyPem: own.privateKey,
      chain: [short.certificate],
    });
    expect(issueLeaf(authority, 'a.example').notAfter.getTime()).toBeLessThan(Date.now() + 2.1 * 86_400_000);
  });
});
