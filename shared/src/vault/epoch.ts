import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * An epoch is a life of the database: restoring a backup ends one and, once an operator has confirmed it, begins the next. Its MAC
 * (HMAC-SHA256 under the instance's key for `epoch`) is what a worker believes a step back of the revision by: whoever can only
 * write to the database can put old rows back, and cannot make workers take them.
 */
export function epochMac(key: Buffer, epoch: number): Buffer {
  return createHmac('sha256', key).update(`onecli epoch ${epoch}`).digest();
}

/** Whether an epoch was confirmed by a holder of the key. The first one, 0, needs no confirmation. In constant time. */
export function isEpochConfirmed(key: Buffer, epoch: number, mac: Buffer | undefined): boolean {
  if (epoch === 0) return true;
  const expected = epochMac(key, epoch);
  return mac !== undefined && mac.length === expected.length && timingSafeEqual(mac, expected);
}
