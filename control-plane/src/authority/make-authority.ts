import { randomUUID } from 'node:crypto';
import { createAuthority } from '@onecli/shared/certificates/authority';
import { sealAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import type { Keyring } from '@onecli/shared/vault/keyring';

const validDays = 3650;

/** Makes an authority with its key sealed. No two have the same name: clients look an issuer up by it. */
export function makeAuthority(keyring: Keyring): AuthorityRecord {
  const id = randomUUID();
  const commonName = `OneCLI gateway ${keyring.instanceId.slice(0, 8)} ${id.slice(0, 8)}`;
  const made = createAuthority({ commonName, validDays });
  return { id, certificatePem: made.certificatePem, sealedKey: sealAuthority(keyring, id, made) };
}
