/*
 * A light seal for things that pass through a queue or lie in a file of our own: one key, no data key.
 *
 *   format      1   0x02
 *   payload  28+n   nonce 12, ciphertext n, tag 16
 */
import { decrypt, encrypt } from './aes-gcm.ts';
import { associatedData } from './associated-data.ts';
import { VaultFault } from './vault-fault.ts';

const FORMAT = Buffer.of(2);
const KEY_BYTES = 32;

/**
 * Seals a payload (a whole batch, a whole file) under a derived 32-byte key with AES-256-GCM; the purpose is bound to it.
 * The result is 29 bytes longer. One key is good for 2^32 calls (NIST SP 800-38D, 8.3).
 * @throws VaultFault BAD_KEY
 */
export function sealMessage(key: Buffer, purpose: string, payload: Buffer): Buffer {
  requireKeyLength(key);
  return Buffer.concat([FORMAT, encrypt(key, payload, associatedData([purpose, FORMAT]))]);
}

/**
 * Reverses `sealMessage`.
 * @throws VaultFault CANNOT_OPEN when it was altered, cut, or sealed under another key or for another purpose; BAD_KEY
 */
export function openMessage(key: Buffer, purpose: string, sealed: Buffer): Buffer {
  requireKeyLength(key);
  try {
    if (sealed[0] !== FORMAT[0]) throw new RangeError('Not a sealed message of a known format');
    return decrypt(key, sealed.subarray(FORMAT.length), associatedData([purpose, FORMAT]));
  } catch (cause) {
    throw new VaultFault('CANNOT_OPEN', `Cannot open a sealed message for ${purpose}`, { cause });
  }
}

function requireKeyLength(key: Buffer): void {
  if (key.length !== KEY_BYTES) throw new VaultFault('BAD_KEY', 'A message key must be 32 bytes');
}
