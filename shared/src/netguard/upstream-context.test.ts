import { describe, expect, it } from 'vitest';
import { createAuthority } from '../certificates/authority.ts';
import { parseRoots } from './upstream-context.ts';

const authority = createAuthority({ commonName: 'Upstream authority', validDays: 2 });

describe('parseRoots', () => {
  it('reads each certificate of a bundle', () => {
    const second = createAuthority({ commonName: 'Second', validDays: 1 }).certificatePem;
    expect(parseRoots(`one\n${authority.certificatePem}two\r\n${second}`)).toEqual([authority.certificatePem, second]);
  });

  it.each(['', 'nonsense', '-----BEGIN CERTIFICATE-----\nMII'])('refuses a text without certificates: %j', (pem) => {
    expect(() => parseRoots(pem)).toThrow('no certificate');
  });

  it('refuses a bundle in which one block is no certificate', () => {
    expect(() => parseRoots(authority.certificatePem + authority.privateKeyPem)).toThrow('PEM block 2');
    expect(() => parseRoots(authority.certificatePem.replace(/[A-Z]{2}/, '!!'))).toThrow();
  });
});
