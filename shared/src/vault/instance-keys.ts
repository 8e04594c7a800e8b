import { decrypt, encrypt } from './aes-gcm.ts';
import { associatedData } from './associated-data.ts';
import { instanceIdBytes } from './instance-id.ts';
import type { MasterKey } from './master-key.ts';
import { VaultFault } from './vault-fault.ts';

/**
 * What an instance needs a lasting key for. The first master key gave each; stored, wrapped by the master key of the day, they
 * outlive it: tokens stay good, and processes that still run on the old master key go on talking to those on the new one.
 */
export const instancePurposes = [
  'token-pepper',
  'fingerprint',
  'bus-mac',
  'audit-queue',
  'audit-mac',
  'audit-spool',
  'epoch',
  'destroyed',
  'audit-signing',
  'tls-tickets',
  'row-mac',
] as const;
export type InstancePurpose = (typeof instancePurposes)[number];

/** A lasting key as it is stored. */
export interface WrappedInstanceKey {
  readonly purpose: string;
  readonly wrappedKey: Buffer;
}

/** Wraps a 32-byte key for its purpose. The caller owns the key. @throws VaultFault BAD_INSTANCE_ID */
export function wrapInstanceKey(master: MasterKey, instanceId: string, purpose: string, key: Buffer): Buffer {
  const wrappingKey = master.derive('key-wrapping', instanceId);
  try {
    return encrypt(wrappingKey, key, purposeAssociatedData(instanceId, purpose));
  } finally {
    wrappingKey.fill(0);
  }
}

/** @throws VaultFault WRONG_MASTER_KEY when it does not open for this purpose */
export function unwrapInstanceKey(master: MasterKey, instanceId: string, row: WrappedInstanceKey): Buffer {
  const wrappingKey = master.derive('key-wrapping', instanceId);
  try {
    return decrypt(wrappingKey, row.wrappedKey, purposeAssociatedData(instanceId, row.purpose));
  } catch (cause) {
    const message = `The instance's key for ${row.purpose} does not open: the master key is another, or the row was altered`;
    throw new VaultFault('WRONG_MASTER_KEY', message, { cause });
  } finally {
    wrappingKey.fill(0);
  }
}

/** All lasting keys of an instance, opened. @throws VaultFault WRONG_MASTER_KEY, also when one is not there */
export function openInstanceKeys(
  master: MasterKey,
  instanceId: string,
  rows: readonly WrappedInstanceKey[],
): Readonly<Record<InstancePurpose, Buffer>> {
  const open = (purpose: InstancePurpose): Buffer => {
    const row = rows.find((each) => each.purpose === purpose);
    if (row === undefined) throw new VaultFault('WRONG_MASTER_KEY', `The instance's key for ${purpose} is not there`);
    return unwrapInstanceKey(master, instanceId, row);
  };
  return {
    'token-pepper': open('token-pepper'),
    fingerprint: open('fingerprint'),
    'bus-mac': open('bus-mac'),
    'audit-queue': open('audit-queue'),
    'audit-mac': open('audit-mac'),
    'audit-spool': open('audit-spool'),
    epoch: open('epoch'),
    destroyed: open('destroyed'),
    'audit-signing': open('audit-signing'),
    'tls-tickets': open('tls-tickets'),
    'row-mac': open('row-mac'),
  };
}

function purposeAssociatedData(instanceId: string, purpose: string): Buffer {
  return associatedData([instanceIdBytes(instanceId), 'instance_key', purpose]);
}
