import { randomUUID } from 'node:crypto';
import { type Authority, createAuthority } from '@onecli/shared/certificates/authority';
import { sealAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import type { Keyring } from '@onecli/shared/vault/keyring';

const validDays = 3650;

/** Makes an authority with its key sealed. No two have the same name: clients look an issuer up by it. */
export function makeAuthority(keyring: Keyring): AuthorityRecord {
  const id = randomUUID();
  const commonName = `OneCLI gateway ${keyring.instanceId.slice(0, 8)} ${id.slice(0, 8)}`;
  return sealed(keyring, id, createAuthority({ commonName, validDays }));
}

/** Seals an authority that somebody brought. */
export function takeAuthority(keyring: Keyring, brought: Authority): AuthorityRecord {
  return sealed(keyring, randomUUID(), brought);
}

function sealed(keyring: Keyring, id: string, authority: Authority): AuthorityRecord {
  return { id, certificatePem: authority.certificatePem, sealedKey: sealAuthority(keyring, id, authority) };
}
