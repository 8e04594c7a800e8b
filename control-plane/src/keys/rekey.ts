import { keyCheckValue, verifyKeyCheck } from '@onecli/shared/vault/key-check';
import { unwrapInstanceKey, wrapInstanceKey } from '@onecli/shared/vault/instance-keys';
import { rewrapTerms } from '@onecli/shared/vault/keyring';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { DataSource, EntityManager } from 'typeorm';
import { lockForChange } from '../configuration/lock-for-change.ts';
import { InstanceFault } from '../instance/instance-fault.ts';
import { readLastingKeys } from '../instance/lasting-keys.ts';
import { recordInstanceEvent } from './instance-event.ts';
import { keysChanged } from './key-store.ts';
import { readStoredTerms } from './key-terms.ts';

/**
 * Puts a new master key in the place of the old one: every key that it wraps is wrapped anew, and the key check value replaced, in
 * one transaction. Nothing that is sealed changes. Doing it again is fine, so that whoever was interrupted begins anew.
 * @returns `already` when the new key is in place
 * @throws InstanceFault WRONG_MASTER_KEY when neither key is this database's; nothing was changed then
 */
export function rekey(database: DataSource, from: MasterKey, to: MasterKey): Promise<'done' | 'already'> {
  return database.transaction('READ COMMITTED', async (manager) => {
    await lockForChange(manager);
    return rekeyWithin(manager, from, to);
  });
}

/** As `rekey`, inside a transaction that holds the lock for changes. */
export async function rekeyWithin(manager: EntityManager, from: MasterKey, to: MasterKey): Promise<'done' | 'already'> {
  const [instance] = await manager.query<{ id: string }[]>('SELECT id FROM instance');
  if (instance === undefined) throw new InstanceFault('DATA_WITHOUT_KEY', 'The database holds no instance to rekey.');
  const { id } = instance;
  const { keyCheck, terms } = await readStoredTerms(manager);
  if (verifyKeyCheck(to, id, keyCheck)) return 'already';
  if (!verifyKeyCheck(from, id, keyCheck)) {
    const message = `The master key is not that of this database (instance ${id}). Nothing was changed.`;
    throw new InstanceFault('WRONG_MASTER_KEY', message);
  }
  for (const { term, wrappedKey } of rewrapTerms(from, to, id, terms))
    await manager.query('UPDATE key_term SET wrapped_key = $2 WHERE term = $1', [term, wrappedKey]);
  for (const row of await readLastingKeys(manager)) {
    const key = unwrapInstanceKey(from, id, row);
    const wrappedKey = wrapInstanceKey(to, id, row.purpose, key);
    key.fill(0);
    await manager.query('UPDATE instance_key SET wrapped_key = $2 WHERE purpose = $1', [row.purpose, wrappedKey]);
  }
  await manager.query('UPDATE instance SET key_check = $1', [keyCheckValue(to, id)]);
  await keysChanged(manager);
  await recordInstanceEvent(manager, 'keys:rekey', 'master key');
  return 'done';
}
