/**
 * How a term's key is wrapped, and the mark that rows have MACs. A writer of the database can delete any row that says so; he
 * cannot do without the key terms, for nothing opens then. So the mark is in them: a marked term has, in the place of a random nonce,
 * an HMAC of its key. Releases that know no mark open it like any other.
 */
import { createHmac, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { decrypt, encrypt, encryptWithNonce } from './aes-gcm.ts';
import { associatedData, u32 } from './associated-data.ts';
import { instanceIdBytes } from './instance-id.ts';

const nonceBytes = 12;
const markLabel = 'onecli/v1/row-mac-mark';

/** Which term of which instance. */
export interface TermPlace {
  readonly instanceId: string;
  readonly term: number;
}

/** Wraps the key of a term. The caller owns the key. @throws VaultFault BAD_INSTANCE_ID */
export function wrapTerm(wrappingKey: KeyObject, place: TermPlace, key: Buffer, isMarked: boolean): Buffer {
  const aad = termAssociatedData(place);
  // The nonce comes of the whole text, so that no two texts have it, and the same text gives the same bytes.
  return isMarked
    ? encryptWithNonce(wrappingKey, markNonce(wrappingKey, aad, key), key, aad)
    : encrypt(wrappingKey, key, aad);
}

/** The key of a term, which the caller owns, and whether it is marked. @throws Error when it does not open */
export function unwrapTerm(
  wrappingKey: KeyObject,
  place: TermPlace,
  wrapped: Buffer,
): { key: Buffer; isMarked: boolean } {
  const aad = termAssociatedData(place);
  const key = decrypt(wrappingKey, wrapped, aad);
  return { key, isMarked: markNonce(wrappingKey, aad, key).equals(wrapped.subarray(0, nonceBytes)) };
}

/** A random key of 32 bytes, wrapped. */
export function wrapNewKey(wrappingKey: KeyObject, place: TermPlace, isMarked: boolean): Buffer {
  const key = randomBytes(32);
  try {
    return wrapTerm(wrappingKey, place, key, isMarked);
  } finally {
    key.fill(0);
  }
}

function markNonce(wrappingKey: KeyObject, aad: Buffer, key: Buffer): Buffer {
  const markKey = Buffer.from(hkdfSync('sha256', wrappingKey, '', markLabel, 32));
  const digest = createHmac('sha256', markKey).update(aad).update(key).digest();
  markKey.fill(0);
  return digest.subarray(0, nonceBytes);
}

function termAssociatedData({ instanceId, term }: TermPlace): Buffer {
  return associatedData([instanceIdBytes(instanceId), 'key_term', u32(term)]);
}
