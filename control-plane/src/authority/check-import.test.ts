import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { goodExtensions, type Issued, issueAuthority } from '../../../test/support/brought-authority.ts';
import { parseInput } from '../configuration/parse-input.ts';
import { importInput } from './authority-input.ts';
import { checkImport } from './check-import.ts';

/** The certificates are made later than this line is read. */
const now = new Date(Date.now() + 60_000);
const root = issueAuthority(undefined);
const good = issueAuthority(root);
const check = ({ certificate, privateKey }: Issued, at = now) => checkImport({ certificate, privateKey }, at);
const refusal = (issued: Issued, at?: Date) => {
  try {
    check(issued, at);
  } catch (error) {
    return error as { code: string; field: string; message: string };
  }
  throw new Error('it was taken');
};
const withRoot = ({ certificate, privateKey }: Issued): Issued => ({
  certificate: certificate + root.certificate,
  privateKey,
});

describe('checkImport', () => {
  it('takes an intermediate with its root, and without', () => {
    expect(check(withRoot(good)).chain).toEqual([root.certificate]);
    expect(check(good)).toMatchObject({ certificatePem: good.certificate, chain: [] });
  });

  it('takes a longer chain, with text between the certificates and Windows line ends', () => {
    const middle = issueAuthority(root, {
      subject: '/CN=middle',
      extensions: ['basicConstraints=critical,CA:TRUE,pathlen:1', ...goodExtensions.slice(1)],
    });
    const { certificate, privateKey } = issueAuthority(middle);
    const text = `subject=x\n${certificate}${middle.certificate}# root\n${root.certificate}`.replaceAll('\n', '\r\n');
    expect(check({ certificate: text, privateKey }).chain).toEqual([middle.certificate, root.certificate]);
  });

  it.each([
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['P-521', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['RSA 2048', ['rsa:2048']],
  ])('takes a key on %s', (_name, key) => {
    expect(check(issueAuthority(root, { key })).chain).toEqual([]);
  });

  it('takes an encrypted key only decrypted, and says how', () => {
    const privateKey = execFileSync('openssl', ['pkey', '-aes256', '-passout', 'pass:x'], {
      input: good.privateKey,
    }).toString();
    const { field, message } = refusal({ ...good, privateKey });
    expect({ field, message }).toMatchObject({ field: 'privateKey', message: expect.stringContaining('openssl pkey') });
  });

  const ca = goodExtensions[0] ?? '';
  const others = goodExtensions.slice(1);
  it.each<[string, Issued, string, string]>([
    [
      'is no authority',
      issueAuthority(root, { extensions: ['basicConstraints=critical,CA:FALSE', ...others] }),
      'certificate',
      'CA:TRUE',
    ],
    [
      'may not sign certificates',
      issueAuthority(root, { extensions: [ca, 'keyUsage=critical,cRLSign', 'subjectKeyIdentifier=hash'] }),
      'certificate',
      'keyCertSign',
    ],
    [
      'has no key usage',
      issueAuthority(root, { extensions: [ca, 'subjectKeyIdentifier=hash'] }),
      'certificate',
      'no key usage',
    ],
    [
      'has constraints that are not critical',
      issueAuthority(root, { extensions: ['basicConstraints=CA:TRUE,pathlen:0', ...others] }),
      'certificate',
      'not critical',
    ],
    [
      'has no subject key identifier',
      issueAuthority(root, { extensions: [ca, 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=none'] }),
      'certificate',
      'subject key identifier',
    ],
    [
      'is for clients alone',
      issueAuthority(root, { extensions: [...goodExtensions, 'extendedKeyUsage=clientAuth'] }),
      'certificate',
      'serverAuth',
    ],
    [
      'has a critical extension that nobody knows',
      issueAuthority(root, { extensions: [...goodExtensions, '1.2.3.4=critical,DER:0500'] }),
      'certificate',
      '1.2.3.4',
    ],
    [
      'has name constraints that are malformed',
      issueAuthority(root, { extensions: [...goodExtensions, '2.5.29.30=critical,DER:3000'] }),
      'certificate',
      'name constraints are empty',
    ],
    ['is signed with SHA-1', issueAuthority(root, { hash: 'sha1' }), 'certificate', 'algorithm'],
    [
      'has a key on another curve',
      issueAuthority(root, { key: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] }),
      'privateKey',
      'must be ECDSA',
    ],
    ['has a short RSA key', issueAuthority(root, { key: ['rsa:1024'] }), 'privateKey', '2048'],
    ['has an Ed25519 key', issueAuthority(root, { key: ['ed25519'] }), 'privateKey', 'must be ECDSA'],
    [
      'comes with the key of another',
      { ...good, privateKey: root.privateKey },
      'privateKey',
      'is not that of the certificate',
    ],
    ['comes with a public key', { ...good, privateKey: 'x' }, 'privateKey', 'private key in PEM'],
    [
      'comes in the wrong order',
      { certificate: root.certificate + good.certificate, privateKey: good.privateKey },
      'certificate',
      'that of certificate 2',
    ],
    [
      'comes with a root that is not its own',
      {
        certificate: good.certificate + issueAuthority(undefined, { subject: '/CN=other' }).certificate,
        privateKey: good.privateKey,
      },
      'certificate',
      'did not issue',
    ],
    [
      'comes with a root of the same name and another key',
      { certificate: good.certificate + issueAuthority(undefined).certificate, privateKey: good.privateKey },
      'certificate',
      'did not issue',
    ],
    [
      'comes with its key among the certificates',
      { certificate: good.certificate + good.privateKey, privateKey: good.privateKey },
      'certificate',
      'PRIVATE KEY',
    ],
    ['is no PEM', { certificate: 'MIIB', privateKey: good.privateKey }, 'certificate', 'PEM'],
    ['is empty', { certificate: '', privateKey: good.privateKey }, 'certificate', 'PEM'],
    ['is cut', { certificate: good.certificate.slice(0, 200), privateKey: good.privateKey }, 'certificate', 'PEM'],
    [
      'is altered',
      { certificate: good.certificate.replace(/MII[A-Za-z0-9]{8}/, 'MIIAAAAAAAA'), privateKey: good.privateKey },
      'certificate',
      'certificate 1',
    ],
    [
      'has too many certificates',
      { certificate: good.certificate.repeat(7), privateKey: good.privateKey },
      'certificate',
      'at most 6',
    ],
  ])('refuses one that %s', (_name, issued, field, part) => {
    const found = refusal(issued);
    expect(found).toMatchObject({ code: 'INVALID', field });
    expect(found.message).toContain(part);
    expect(found.message).not.toContain('PRIVATE KEY-----');
    expect(found.message.length).toBeLessThan(500);
  });

  it('refuses a root that fits by its name alone, where nothing but the signature tells', () => {
    const { certificate, privateKey } = issueAuthority(root, {
      extensions: [...goodExtensions, 'authorityKeyIdentifier=none'],
    });
    expect(check({ certificate: certificate + root.certificate, privateKey }).chain).toEqual([root.certificate]);
    const namesake = issueAuthority(undefined).certificate;
    expect(refusal({ certificate: certificate + namesake, privateKey }).message).toContain('did not issue');
  });

  it('refuses one below an authority that allows none below it', () => {
    const { certificate, privateKey } = issueAuthority(good, { subject: '/CN=below' });
    expect(refusal({ certificate: certificate + good.certificate, privateKey }).message).toContain('path length of 0');
  });

  it('refuses one, or one above it, that has expired or is not valid yet', () => {
    const later = (days: number) => new Date(now.getTime() + days * 86_400_000);
    expect(refusal(good, later(31)).message).toContain('expired');
    expect(refusal(good, later(-1)).message).toContain('not valid before');
    const long = issueAuthority(root, { days: 100 });
    expect(refusal(withRoot(long), later(50)).message).toContain('certificate 2');
  });

  it.each([
    ['ECDSA', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['d']],
    ['RSA', ['rsa:2048'], ['d', 'p', 'q', 'dp', 'dq', 'qi']],
  ])('refuses a damaged %s key, whose public key is still that of the certificate', (_name, key, parts) => {
    const issued = issueAuthority(root, { key });
    const whole = createPrivateKey(issued.privateKey);
    const der = whole.export({ type: 'pkcs8', format: 'der' });
    const jwk = whole.export({ format: 'jwk' }) as Record<string, string>;
    for (const part of parts) {
      const number = Buffer.from(jwk[part] ?? '', 'base64url');
      const last = der.indexOf(number) + number.length - 1;
      der.writeUInt8(der.readUInt8(last) ^ 2, last);
    }
    const privateKey = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
    expect(new X509Certificate(issued.certificate).checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(refusal({ ...issued, privateKey })).toMatchObject({ code: 'INVALID', field: 'privateKey' });
  });

  it('refuses one whose end is no time: what it signs would end at none', () => {
    const der = new X509Certificate(good.certificate).raw;
    const end = [...der.toString('latin1').matchAll(/[0-9]{12}Z/g)][1]?.index ?? 0;
    der.write('13', end + 2, 'latin1');
    const certificate = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect(refusal({ ...good, certificate })).toMatchObject({
      field: 'certificate',
      message: expect.stringContaining('validity'),
    });
  });

  it('is asked for no more than 64 KB of certificates and 16 KB of key', () => {
    const long = (name: string) => ({ certificate: '', privateKey: '', [name]: 'x'.repeat(10_000_000) });
    for (const name of ['certificate', 'privateKey'])
      expect(() => parseInput(importInput, long(name))).toThrow(`${name} must have at most`);
  });
});
