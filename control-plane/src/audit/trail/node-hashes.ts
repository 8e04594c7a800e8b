import { createHmac, createPublicKey, hash, verify } from 'node:crypto';

const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/** By way of a text: a third of the time that a buffer of its own takes. */
export function sha256(data: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}

/** The hash of a text's UTF-8, written into `target`. */
export function hashInto(target: Buffer, at: number, text: string): void {
  target.write(hash('sha256', text, 'binary'), at, 'latin1');
}

export function hmacSha256(key: Buffer, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** RFC 8032 with Node's own Ed25519. False also for what is no key. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([spkiHead, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}
