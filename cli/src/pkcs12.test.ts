import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueClientCertificate } from '@onecli/shared/certificates/issue-client-certificate';
import { afterAll, describe, expect, it } from 'vitest';
import { keyStore, trustStore } from './pkcs12.ts';

const password = 'change it 7';
const one = createAuthority({ commonName: 'one', validDays: 1 });
const two = createAuthority({ commonName: 'two', validDays: 1 });
const folder = mkdtempSync(join(tmpdir(), 'onecli-pkcs12-'));
afterAll(() => rmSync(folder, { recursive: true }));
let written = 0;
function store(content: Buffer): string {
  const path = join(folder, `${written++}.p12`);
  writeFileSync(path, content);
  return path;
}
const openssl = (path: string, ...args: string[]) =>
  execFileSync('openssl', ['pkcs12', '-in', path, '-passin', `pass:${password}`, ...args], {
    stdio: 'pipe',
  }).toString();
const pemIn = (text: string, label: string) =>
  text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`, 'g')) ?? [];
const hasKeytool = spawnSync('keytool', ['-help']).status === 0;

describe('trustStore', () => {
  it('holds every authority, and no key', async () => {
    const path = store(await trustStore(one.certificatePem + two.certificatePem, password));
    const shown = openssl(path, '-nodes');
    expect(pemIn(shown, 'CERTIFICATE')).toEqual([one.certificatePem, two.certificatePem]);
    expect(shown).not.toContain(' KEY-----');
  });

  it.skipIf(!hasKeytool)('is what keytool lists as trusted certificates (skipped without Java)', async () => {
    const path = store(await trustStore(one.certificatePem + two.certificatePem, password));
    const list = execFileSync('keytool', ['-list', '-keystore', path, '-storepass', password], {
      stdio: 'pipe',
    }).toString();
    expect(list.match(/trustedCertEntry/g)).toHaveLength(2);
    for (const { certificatePem } of [one, two])
      expect(list).toContain(new X509Certificate(certificatePem).fingerprint256);
  });

  it('opens with no other password, and not when a byte was altered', async () => {
    const content = await trustStore(one.certificatePem, password);
    const path = store(content);
    expect(spawnSync('openssl', ['pkcs12', '-in', path, '-passin', 'pass:other', '-nokeys']).status).not.toBe(0);
    content[200] = (content[200] ?? 0) ^ 1;
    expect(() => openssl(store(content), '-nokeys')).toThrow();
  });
});

describe('keyStore', () => {
  const issued = issueClientCertificate(
    parseAuthority(one),
    { commonName: 'ci', dnsNames: [], uris: [] },
    { validDays: 1 },
  );
  const input = { certificate: issued.certificatePem, privateKey: issued.privateKeyPem, name: 'ci' };

  it('holds the certificate and its key, which belong together and are not in it in the clear', async () => {
    const content = await keyStore(input, password);
    const shown = openssl(store(content), '-nodes');
    expect(pemIn(shown, 'CERTIFICATE')).toEqual([issued.certificatePem]);
    const [key = ''] = pemIn(shown, 'PRIVATE KEY');
    expect(new X509Certificate(issued.certificatePem).checkPrivateKey(createPrivateKey(key))).toBe(true);
    const scalar = Buffer.from(createPrivateKey(key).export({ format: 'jwk' }).d ?? '', 'base64url');
    expect(content.includes(scalar)).toBe(false);
  });

  it.skipIf(!hasKeytool)('is a private key entry for keytool (skipped without Java)', async () => {
    const args = ['-list', '-keystore', store(await keyStore(input, password)), '-storepass', password];
    expect(execFileSync('keytool', args, { stdio: 'pipe' }).toString()).toMatch(/^ci, .*PrivateKeyEntry/m);
  });
});
