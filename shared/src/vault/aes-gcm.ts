import { type KeyObject, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What `encrypt` adds to a plaintext: nonce and tag. */
export const GCM_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/**
 * AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D, 8.2.2: at most 2^32 calls for one key).
 * Gives nonce, ciphertext and the 16-byte tag, in this order.
 */
export function encrypt(key: KeyObject | Buffer, plaintext: Buffer, aad: Buffer): Buffer {
  return encryptWithNonce(key, randomBytes(NONCE_BYTES), plaintext, aad);
}

/** As `encrypt`, with a given nonce. Only for test vectors: a nonce used twice with one key gives both texts away. */
export function encryptWithNonce(key: KeyObject | Buffer, nonce: Buffer, plaintext: Buffer, aad: Buffer): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()], plaintext.length + GCM_OVERHEAD_BYTES);
}

/**
 * Reverses `encrypt`.
 * @throws Error (of node:crypto, or RangeError when too short) unless the whole 16-byte tag verifies; the unverified
 * text is wiped.
 */
export function decrypt(key: KeyObject | Buffer, sealed: Buffer, aad: Buffer): Buffer {
  if (sealed.length < GCM_OVERHEAD_BYTES) throw new RangeError('Shorter than a nonce and a tag');
  const tagAt = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(tagAt));
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
  try {
    decipher.final();
  } catch (cause) {
    plaintext.fill(0);
    throw cause;
  }
  return plaintext;
}
