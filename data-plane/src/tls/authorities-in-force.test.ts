import { createAuthority } from '@onecli/shared/certificates/authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import { authorityContext, clientAuthorityContext } from '@onecli/shared/seal-contexts';
import { seal, type SealContext } from '@onecli/shared/vault/seal';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { newKeyring } from '../snapshot/testing/sample-snapshot.ts';
import { AuthoritiesInForce } from './authorities-in-force.ts';
import { ProxyPortTls } from './proxy-port-tls.ts';

const keyring = newKeyring();
const ticketKeys = Buffer.alloc(48, 1);

function record(id: string, contextOf: (id: string) => SealContext): AuthorityRecord {
  const { certificatePem, privateKeyPem } = createAuthority({ commonName: id, validDays: 1 });
  return { id, certificatePem, sealedKey: seal(keyring, contextOf(id), Buffer.from(privateKeyPem)) };
}

const authority = record('hosts', authorityContext);
const clientAuthority = record('clients', clientAuthorityContext);

function inForce(clientRoots: readonly string[] = []) {
  const proxyPortTls = new ProxyPortTls({ names: ['localhost'], ticketKeys });
  const log = pino({ enabled: false });
  const options = { keyring, maxLeaves: 10, isRefusingInsideTunnel: false, ticketKeys, proxyPortTls, clientRoots, log };
  return { authorities: new AuthoritiesInForce(options), proxyPortTls };
}

describe('AuthoritiesInForce', () => {
  it('trusts the client authority, and asks for certificates from then on', () => {
    const { authorities, proxyPortTls } = inForce();
    authorities.use({ authority, clientAuthority: undefined });
    expect(proxyPortTls.asksForCertificate).toBe(false);
    const { leaves } = authorities;
    authorities.use({ authority, clientAuthority });
    expect(proxyPortTls.asksForCertificate).toBe(true);
    expect(authorities.leaves).toBe(leaves);
    expect(authorities.certificatePem).toBe(authority.certificatePem);
  });

  it('trusts those of the customer without one of ours', () => {
    const { authorities, proxyPortTls } = inForce([clientAuthority.certificatePem]);
    authorities.use({ authority, clientAuthority: undefined });
    expect(proxyPortTls.asksForCertificate).toBe(true);
  });

  it.each([
    [
      'whose certificate was replaced',
      { ...clientAuthority, certificatePem: record('x', authorityContext).certificatePem },
    ],
    ['that is a copy of another row', { ...authority }],
    ['that was given another id', { ...clientAuthority, id: 'other' }],
    ['whose key was cut', { ...clientAuthority, sealedKey: clientAuthority.sealedKey.subarray(1) }],
  ])('trusts no client authority %s, and goes on', (_name, altered) => {
    const { authorities, proxyPortTls } = inForce();
    authorities.use({ authority, clientAuthority: altered });
    expect(proxyPortTls.asksForCertificate).toBe(false);
    expect(authorities.leaves).toBeDefined();
  });

  it('refuses a configuration whose own authority does not open', () => {
    const moved = { ...authority, id: 'moved' };
    expect(() => inForce().authorities.use({ authority: moved, clientAuthority })).toThrow();
  });
});
