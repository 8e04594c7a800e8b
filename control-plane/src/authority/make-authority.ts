import { randomUUID } from 'node:crypto';
import { type Authority, createAuthority } from '@onecli/shared/certificates/authority';
import { type AuthorityKind, sealAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import type { Keyring } from '@onecli/shared/vault/keyring';

const validDays = 3650;
const nouns: Readonly<Record<AuthorityKind, string>> = { GATEWAY: 'gateway', CLIENT: 'agents' };

/** Makes an authority with its key sealed. No two have the same name: clients look an issuer up by it. */
export function makeAuthority(kind: AuthorityKind, keyring: Keyring): AuthorityRecord {
  const id = randomUUID();
  const commonName = `OneCLI ${nouns[kind]} ${keyring.instanceId.slice(0, 8)} ${id.slice(0, 8)}`;
  return sealed(kind, keyring, id, createAuthority({ commonName, validDays }));
}

/** Seals an authority of the gateway that somebody brought. */
export function takeAuthority(keyring: Keyring, brought: Authority): AuthorityRecord {
  return sealed('GATEWAY', keyring, randomUUID(), brought);
}

function sealed(kind: AuthorityKind, keyring: Keyring, id: string, authority: Authority): AuthorityRecord {
  return { id, certificatePem: authority.certificatePem, sealedKey: sealAuthority(kind, keyring, id, authority) };
}
