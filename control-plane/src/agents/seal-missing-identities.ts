import type { Keyring } from '@onecli/shared/vault/keyring';
import { type EntityManager, IsNull } from 'typeorm';
import { sealIdentities } from './agent-identities.ts';
import { AgentEntity } from './agent.entity.ts';

/**
 * Agents of a schema without identities had a token and nothing else: that is sealed for them now, under the lock for
 * changes, and workers are told.
 */
export async function sealMissingIdentities(manager: EntityManager, keyring: Keyring): Promise<void> {
  const rows = await manager.findBy(AgentEntity, { sealedIdentities: IsNull() });
  if (rows.length === 0) return;
  await manager.query('UPDATE config_state SET revision = revision + 1');
  for (const { id } of rows) {
    const sealedIdentities = sealIdentities(keyring, id, [{ kind: 'token', cidrs: [] }]);
    await manager.update(AgentEntity, { id }, { sealedIdentities });
    await manager.query(
      `INSERT INTO config_change (revision, kind, object_id, operation, principal)
       SELECT revision, 'agent', $1, 'upsert', 'instance' FROM config_state`,
      [id],
    );
  }
}
