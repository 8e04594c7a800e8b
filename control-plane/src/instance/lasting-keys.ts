import {
  type InstancePurpose,
  instancePurposes,
  openInstanceKeys,
  type WrappedInstanceKey,
  wrapInstanceKey,
} from '@onecli/shared/vault/instance-keys';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { EntityManager } from 'typeorm';

/** The keys that outlive the master key, as they are stored. */
export async function readLastingKeys(manager: EntityManager): Promise<WrappedInstanceKey[]> {
  const rows = await manager.query<{ purpose: string; wrapped_key: Buffer }[]>(
    'SELECT purpose, wrapped_key FROM instance_key ORDER BY purpose',
  );
  return rows.map(({ purpose, wrapped_key: wrappedKey }) => ({ purpose, wrappedKey }));
}

/**
 * Opens the lasting keys; those that are not there yet are derived from the master key and stored. Under the lock for changes.
 * @throws VaultFault WRONG_MASTER_KEY when one was altered
 */
export async function lastingKeys(
  manager: EntityManager,
  master: MasterKey,
  instanceId: string,
): Promise<Readonly<Record<InstancePurpose, Buffer>>> {
  const stored = new Set((await readLastingKeys(manager)).map(({ purpose }) => purpose));
  for (const purpose of instancePurposes) {
    if (stored.has(purpose)) continue;
    const key = master.derive(purpose, instanceId);
    const wrappedKey = wrapInstanceKey(master, instanceId, purpose, key);
    key.fill(0);
    await manager.query('INSERT INTO instance_key (purpose, wrapped_key) VALUES ($1, $2)', [purpose, wrappedKey]);
  }
  return openInstanceKeys(master, instanceId, await readLastingKeys(manager));
}
