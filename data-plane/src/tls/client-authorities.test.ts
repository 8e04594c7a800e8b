import { X509Certificate } from 'node:crypto';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueClientCertificate } from '@onecli/shared/certificates/issue-client-certificate';
import { sealAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { newKeyring } from '../snapshot/testing/sample-snapshot.ts';
import { ClientAuthorities } from './client-authorities.ts';

const keyring = newKeyring();

/** Of one name, as they could come from a backup: they differ in their keys alone. */
function made(id: string) {
  const authority = createAuthority({ commonName: 'OneCLI agents', validDays: 1 });
  const sealedKey = sealAuthority('CLIENT', keyring, id, authority);
  const record: AuthorityRecord = { id, certificatePem: authority.certificatePem, sealedKey };
  const names = { commonName: 'ci', dnsNames: [], uris: [] };
  const issued = issueClientCertificate(parseAuthority(authority), names, { validDays: 1 });
  return { record, certificate: new X509Certificate(issued.certificatePem) };
}

const old = made('old');
const next = made('next');
const authorities = () => new ClientAuthorities(keyring, pino({ enabled: false }));

describe('ClientAuthorities', () => {
  it('trusts all that the configuration has, and tells which a certificate is by', () => {
    const clients = authorities();
    clients.use([next.record, old.record]);
    expect(clients.ids).toEqual(['next', 'old']);
    expect(clients.roots).toEqual([next.record.certificatePem, old.record.certificatePem]);
    expect(clients.issuerOf(old.certificate)).toMatchObject({ id: 'old', isWithdrawn: false });
    expect(clients.issuerOf(next.certificate)).toMatchObject({ id: 'next', isWithdrawn: false });
    expect(clients.issuerOf(made('foreign').certificate)).toBeUndefined();
  });

  it('withdraws one that is retired from what came in by it before, and from what comes in that moment', () => {
    const clients = authorities();
    clients.use([old.record]);
    const before = clients.issuerOf(old.certificate);
    clients.use([next.record]);
    expect(before?.isWithdrawn).toBe(true);
    expect(clients.issuerOf(old.certificate)?.isWithdrawn).toBe(true);
    expect(clients.roots).toEqual([next.record.certificatePem]);
    clients.use([next.record, old.record]);
    expect(before?.isWithdrawn).toBe(false);
  });

  it('takes another certificate under an old id for another authority', () => {
    const clients = authorities();
    clients.use([old.record]);
    const before = clients.issuerOf(old.certificate);
    clients.use([made('old').record]);
    expect(before?.isWithdrawn).toBe(true);
  });
});
