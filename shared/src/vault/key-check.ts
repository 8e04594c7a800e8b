import { createHmac, timingSafeEqual } from 'node:crypto';
import type { MasterKey } from './master-key.ts';

/**
 * 32 bytes to be stored beside the data, in the clear: they tell whether a master key is the right one, and nothing else
 * about it. HMAC-SHA256 of a constant under the key derived for `key-check`.
 * @throws VaultFault BAD_INSTANCE_ID
 */
export function keyCheckValue(master: MasterKey, instanceId: string): Buffer {
  const key = master.derive('key-check', instanceId);
  try {
    return createHmac('sha256', key).update('onecli key check value').digest();
  } finally {
    key.fill(0);
  }
}

/**
 * Whether the master key is the one whose check value was stored. In constant time.
 * @throws VaultFault BAD_INSTANCE_ID
 */
export function verifyKeyCheck(master: MasterKey, instanceId: string, stored: Buffer): boolean {
  const expected = keyCheckValue(master, instanceId);
  return stored.length === expected.length && timingSafeEqual(stored, expected);
}
