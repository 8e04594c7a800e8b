import { createHmac } from 'node:crypto';
import { VaultFault } from './vault-fault.ts';

const KEY_BYTES = 32;
const FINGERPRINT_DIGITS = 12;

/**
 * HMAC-SHA256 (RFC 2104) of a token under the derived `token-pepper` key: 32 bytes, stored instead of the token.
 * Tokens are random and long, so no slow hash is needed.
 * @throws VaultFault BAD_KEY unless the pepper is 32 bytes
 */
export function tokenHash(pepper: Buffer, token: string): Buffer {
  return keyedHash(pepper, token);
}

/**
 * 12 hexadecimal digits by which a person can tell two values apart without learning either: the head of their HMAC-SHA256
 * under the derived `fingerprint` key.
 * @throws VaultFault BAD_KEY unless the key is 32 bytes
 */
export function fingerprint(key: Buffer, value: string | Buffer): string {
  return keyedHash(key, value).toString('hex').slice(0, FINGERPRINT_DIGITS);
}

/**
 * What is stored to keep an agent's identity unique without telling it: the whole HMAC-SHA256 under the derived
 * `fingerprint` key, 32 bytes.
 * @throws VaultFault BAD_KEY unless the key is 32 bytes
 */
export function identityHash(key: Buffer, identity: string): Buffer {
  return keyedHash(key, `identity ${identity}`);
}

function keyedHash(key: Buffer, value: string | Buffer): Buffer {
  if (key.length !== KEY_BYTES) throw new VaultFault('BAD_KEY', 'A hash key must be 32 bytes');
  return createHmac('sha256', key).update(value).digest();
}
