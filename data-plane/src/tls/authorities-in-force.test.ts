import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@onecli/shared/certificates/authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import { authorityContext, clientAuthorityContext } from '@onecli/shared/seal-contexts';
import { open, seal, type SealContext } from '@onecli/shared/vault/seal';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { newKeyring } from '../snapshot/testing/sample-snapshot.ts';
import { AuthoritiesInForce } from './authorities-in-force.ts';
import { ProxyPortTls } from './proxy-port-tls.ts';
import { SharedTicketKeys } from './ticket-keys.ts';

const keyring = newKeyring();
const ticketKeys = new SharedTicketKeys(Buffer.alloc(32, 1));

function record(id: string, contextOf: (id: string) => SealContext): AuthorityRecord {
  const { certificatePem, privateKeyPem } = createAuthority({ commonName: id, validDays: 1 });
  return { id, certificatePem, sealedKey: seal(keyring, contextOf(id), Buffer.from(privateKeyPem)) };
}

const authority = record('hosts', authorityContext);
const next = record('next', authorityContext);
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
    authorities.use({ authority, otherAuthorities: [], clientAuthorities: [] });
    expect(proxyPortTls.asksForCertificate).toBe(false);
    const { leaves } = authorities;
    authorities.use({ authority, otherAuthorities: [], clientAuthorities: [clientAuthority] });
    expect(proxyPortTls.asksForCertificate).toBe(true);
    expect(authorities.leaves).toBe(leaves);
    expect(authorities.bundlePem).toBe(authority.certificatePem);
    expect(authorities.ids).toEqual(['hosts', 'clients']);
  });

  it('trusts those of the customer without one of ours', () => {
    const { authorities, proxyPortTls } = inForce([clientAuthority.certificatePem]);
    authorities.use({ authority, otherAuthorities: [], clientAuthorities: [] });
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
    authorities.use({ authority, otherAuthorities: [], clientAuthorities: [altered] });
    expect(proxyPortTls.asksForCertificate).toBe(false);
    expect(authorities.leaves).toBeDefined();
  });

  it('refuses a configuration whose own authority does not open', () => {
    const moved = { ...authority, id: 'moved' };
    expect(() =>
      inForce().authorities.use({ authority: moved, otherAuthorities: [], clientAuthorities: [clientAuthority] }),
    ).toThrow();
  });

  it('hands out the next authority and those before beside the one that signs, and signs with that alone', () => {
    const { authorities } = inForce();
    authorities.use({ authority, otherAuthorities: [], clientAuthorities: [] });
    const { leaves } = authorities;
    authorities.use({ authority, otherAuthorities: [next], clientAuthorities: [] });
    expect(authorities.bundlePem).toBe(authority.certificatePem + next.certificatePem);
    expect(authorities.ids).toEqual(['hosts', 'next']);
    expect(authorities.leaves).toBe(leaves);
  });

  it('drops every leaf when another authority signs, and charges no agent for the new ones', () => {
    const { authorities } = inForce();
    authorities.use({ authority, otherAuthorities: [next], clientAuthorities: [] });
    const before = authorities.leaves;
    before?.secureContextFor('a.example');
    authorities.use({ authority: next, otherAuthorities: [authority], clientAuthorities: [] });
    expect(authorities.bundlePem).toBe(next.certificatePem + authority.certificatePem);
    expect(authorities.ids).toEqual(['next', 'hosts']);
    expect(authorities.leaves).not.toBe(before);
    expect(authorities.leaves?.has('a.example')).toBe(false);
    expect([authorities.leaves?.knows('a.example'), authorities.leaves?.knows('b.example')]).toEqual([true, false]);
    authorities.use({ authority: next, otherAuthorities: [], clientAuthorities: [] });
    expect(authorities.bundlePem).toBe(next.certificatePem);
  });

  /** A certificate for the key of an authority, by an issuer that whoever altered the row holds. */
  function issuedElsewhere(id: string): AuthorityRecord {
    const { sealedKey } = record(id, authorityContext);
    const privateKey = open(keyring, authorityContext(id), sealedKey).toString();
    const folder = mkdtempSync(join(tmpdir(), 'onecli-authority-'));
    const inFolder = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    writeFileSync(join(folder, 'key.pem'), privateKey);
    inFolder(
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout r.pem -out r.crt -subj /CN=evil'.split(
        ' ',
      ),
    );
    inFolder(...'req -new -key key.pem -subj /CN=x -addext basicConstraints=critical,CA:TRUE -out x.csr'.split(' '));
    inFolder(...'x509 -req -in x.csr -CA r.crt -CAkey r.pem -copy_extensions copy -days 1 -out x.crt'.split(' '));
    const certificatePem = readFileSync(join(folder, 'x.crt'), 'utf8');
    rmSync(folder, { recursive: true });
    return { id, certificatePem, sealedKey };
  }

  it.each([
    ['whose certificate was replaced', { ...next, certificatePem: record('x', authorityContext).certificatePem }],
    ['whose certificate another issuer signed for the same key', issuedElsewhere('issued')],
    ['that is the client authority', clientAuthority],
    ['whose key was cut', { ...next, sealedKey: next.sealedKey.subarray(1) }],
    ['that is no certificate', { ...next, certificatePem: 'PEM' }],
  ])('hands out no next authority %s, does not say that it has it, and goes on', (_name, altered) => {
    const { authorities } = inForce();
    authorities.use({ authority, otherAuthorities: [altered], clientAuthorities: [] });
    expect(authorities.bundlePem).toBe(authority.certificatePem);
    expect(authorities.ids).toEqual(['hosts']);
    expect(() =>
      authorities.use({ authority: altered, otherAuthorities: [authority], clientAuthorities: [] }),
    ).toThrow();
    expect(authorities.bundlePem).toBe(authority.certificatePem);
  });
});
