import { createHmac } from 'node:crypto';
import { VaultFault } from './vault-fault.ts';

const KEY_BYTES = 32;
const FINGERPRINT_DIGITS = 16;
/** Of earlier releases: of the value alone, whatever secret it was of. */
const EARLIER_DIGITS = 12;

/**
 * HMAC-SHA256 (RFC 2104) of a token under the derived `token-pepper` key: 32 bytes, stored instead of the token.
 * Tokens are random and long, so no slow hash is needed.
 * @throws VaultFault BAD_KEY unless the pepper is 32 bytes
 */
export function tokenHash(pepper: Buffer, token: string): Buffer {
  return keyedHash(pepper, token);
}

/**
 * 16 hexadecimal digits by which a person can tell two values of one secret apart without learning either: the head of the
 * HMAC-SHA256 of its id and the value under the derived `fingerprint` key. Those of two secrets tell nothing of each other: who
 * may set the one could otherwise try out what the other holds.
 * @throws VaultFault BAD_KEY unless the key is 32 bytes
 */
export function fingerprint(key: Buffer, secretId: string, value: string | Buffer): string {
  return keyedHash(key, `secret ${secretId} `, value).toString('hex').slice(0, FINGERPRINT_DIGITS);
}

/** Whether a stored fingerprint is of the form that earlier releases made, and should be made anew. */
export function isEarlierFingerprint(stored: string): boolean {
  return stored.length === EARLIER_DIGITS;
}

/** Whether a stored fingerprint of a secret is that of a value. @throws VaultFault BAD_KEY unless the key is 32 bytes */
export function isFingerprintOf(key: Buffer, secretId: string, value: string | Buffer, stored: string): boolean {
  if (isEarlierFingerprint(stored)) return keyedHash(key, value).toString('hex').startsWith(stored);
  return fingerprint(key, secretId, value) === stored;
}

/**
 * What is stored to keep an agent's identity unique without telling it: the whole HMAC-SHA256 under the derived
 * `fingerprint` key, 32 bytes.
 * @throws VaultFault BAD_KEY unless the key is 32 bytes
 */
export function identityHash(key: Buffer, identity: string): Buffer {
  return keyedHash(key, `identity ${identity}`);
}

/**
 * 16 hexadecimal digits by which a person can tell two states of a part of an object apart that is not shown. Those of two objects tell
 * nothing of each other.
 * @throws VaultFault BAD_KEY unless the key is 32 bytes
 */
export function partFingerprint(key: Buffer, objectId: string, part: string): string {
  return keyedHash(key, `part of ${objectId} `, part).toString('hex').slice(0, FINGERPRINT_DIGITS);
}

function keyedHash(key: Buffer, ...parts: readonly (string | Buffer)[]): Buffer {
  if (key.length !== KEY_BYTES) throw new VaultFault('BAD_KEY', 'A hash key must be 32 bytes');
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
