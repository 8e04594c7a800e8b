import { randomUUID } from 'node:crypto';
import { createAuthority, parseAuthority, type SigningAuthority } from '@onecli/shared/certificates/authority';
import { clientAuthorityContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import { ClientAuthorityEntity } from './authority.entity.ts';

const validDays = 3650;

/** The authority for agents' client certificates; the first call makes it, and workers trust it from that revision on. */
export async function clientAuthority(tx: ConfigTransaction, keyring: Keyring): Promise<SigningAuthority> {
  const row = await tx.manager.findOneBy(ClientAuthorityEntity, { isActive: true });
  if (row) {
    const privateKeyPem = open(keyring, clientAuthorityContext(row.id), row.sealedKey).toString('utf8');
    return parseAuthority({ certificatePem: row.certificatePem, privateKeyPem });
  }
  const id = randomUUID();
  const made = createAuthority({ commonName: `OneCLI agents ${keyring.instanceId.slice(0, 8)}`, validDays });
  const privateKey = Buffer.from(made.privateKeyPem, 'utf8');
  const sealedKey = seal(keyring, clientAuthorityContext(id), privateKey);
  privateKey.fill(0);
  const { certificatePem } = made;
  await tx.manager.insert(ClientAuthorityEntity, {
    id,
    certificatePem,
    sealedKey,
    isActive: true,
    createdAt: new Date(),
  });
  tx.changed('authority', id, 'upsert');
  return parseAuthority(made);
}
