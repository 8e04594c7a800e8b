import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createAuthority, DAY_MS, parseAuthority } from './authority.ts';
import { type ClientNames, issueClientCertificate } from './issue-client-certificate.ts';

const created = createAuthority({ commonName: 'Agents', validDays: 100 });
const authority = parseAuthority(created);
const folder = mkdtempSync(join(tmpdir(), 'onecli-client-certificate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const only = (names: Partial<ClientNames>): ClientNames => ({
  commonName: undefined,
  dnsNames: [],
  uris: [],
  ...names,
});

function verify(certificatePem: string, purpose: string): string {
  writeFileSync(join(folder, 'ca.pem'), created.certificatePem);
  writeFileSync(join(folder, 'client.pem'), certificatePem);
  const command = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(folder, 'ca.pem')];
  try {
    return execFileSync('openssl', [...command, join(folder, 'client.pem')], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return String((error as { stderr: unknown }).stderr);
  }
}

describe('issueClientCertificate', () => {
  it.each([
    ['a common name', only({ commonName: 'ci' }), 'CN=ci', undefined],
    ['a DNS name', only({ dnsNames: ['ci.example'] }), undefined, 'DNS:ci.example'],
    ['a SPIFFE id', only({ uris: ['spiffe://example.org/ci'] }), undefined, 'URI:spiffe://example.org/ci'],
    ['all of them', { commonName: 'ü', dnsNames: ['a', 'b'], uris: ['x:y'] }, 'CN=ü', 'DNS:a, DNS:b, URI:x:y'],
  ])('has %s, and passes for a client and no server', (_name, names, subject, alternatives) => {
    const issued = issueClientCertificate(authority, names, { validDays: 30 });
    const certificate = new X509Certificate(issued.certificatePem);
    expect(certificate.subject).toBe(subject);
    expect(certificate.subjectAltName).toBe(alternatives);
    expect(certificate.ca).toBe(false);
    expect(verify(issued.certificatePem, 'sslclient')).toContain('OK');
    expect(verify(issued.certificatePem, 'sslserver')).toMatch(/unsupported|unsuitable|purpose/);
  });

  it('is good for the days that were asked for, and never longer than its authority', () => {
    const now = new Date();
    const end = (validDays: number) =>
      issueClientCertificate(authority, only({ commonName: 'ci' }), { validDays, now }).notAfter;
    expect(end(2).getTime()).toBe(now.getTime() + 2 * DAY_MS);
    expect(end(365)).toEqual(authority.notAfter);
  });

  it('refuses no name, days out of bounds, and an authority that has expired', () => {
    const named = only({ commonName: 'ci' });
    expect(() => issueClientCertificate(authority, only({}), { validDays: 1 })).toThrow(RangeError);
    for (const validDays of [0, 366, Number.NaN])
      expect(() => issueClientCertificate(authority, named, { validDays })).toThrow(RangeError);
    const now = new Date(Date.now() + 101 * DAY_MS);
    expect(() => issueClientCertificate(authority, named, { validDays: 1, now })).toThrow('expired');
  });
});
