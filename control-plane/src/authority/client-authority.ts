import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { SigningAuthority } from '@onecli/shared/certificates/authority';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import { authorityEntities } from './authority.entity.ts';
import { makeAuthority } from './make-authority.ts';

/** The authority for agents' client certificates; the first call makes it, and workers trust it from that revision on. */
export async function clientAuthority(
  tx: ConfigTransaction,
  keyring: Keyring,
): Promise<{ readonly id: string; readonly signing: SigningAuthority }> {
  const row = await tx.manager.findOneBy(authorityEntities.CLIENT, { isActive: true });
  if (row) return { id: row.id, signing: openAuthority('CLIENT', keyring, row) };
  const made = makeAuthority('CLIENT', keyring);
  const now = new Date();
  await tx.manager.insert(authorityEntities.CLIENT, { ...made, isActive: true, createdAt: now, activatedAt: now });
  tx.changed('authority', made.id, 'upsert');
  return { id: made.id, signing: openAuthority('CLIENT', keyring, made) };
}

/** Keeps in mind that an agent has a certificate by an authority; what has expired is forgotten. */
export async function recordCertificate(
  manager: EntityManager,
  { authorityId, agentId, expiresAt }: { authorityId: string; agentId: string; expiresAt: Date },
): Promise<void> {
  await manager.query('DELETE FROM client_certificate WHERE expires_at <= now()');
  await manager.query(
    'INSERT INTO client_certificate (id, authority_id, agent_id, expires_at) VALUES (gen_random_uuid(), $1, $2, $3)',
    [authorityId, agentId, expiresAt],
  );
}
