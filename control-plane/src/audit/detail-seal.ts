/*
 * The sealed detail of an audit event, big-endian:
 *
 *   format      1   0x03
 *   term        4   which key-encryption key
 *   salt       16   random, one for each batch
 *   index       4   of the event in its batch
 *   detail   n+16   ciphertext n, tag 16
 *
 * A batch has a key of its own: HKDF-SHA256 (RFC 5869) of the term's key with the salt. So the nonce can be the index
 * (NIST SP 800-38D, 8.2.1), no row needs random bytes, and no key comes near the number of its calls that is safe.
 * The associated data is the row's place, of which the event's id is a part: a detail opens only for its own event.
 * The rest of the header needs none: term, salt and index are what the key and the nonce come from.
 */
import { createCipheriv, createDecipheriv, type CipherGCM, hkdfSync, randomBytes } from 'node:crypto';
import { auditDetailContext } from '@onecli/shared/seal-contexts';
import { associatedData } from '@onecli/shared/vault/associated-data';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { VaultFault } from '@onecli/shared/vault/vault-fault';

const format = 3;
const algorithm = 'aes-256-gcm';
const saltAt = 5;
const indexAt = 21;
const detailAt = 25;
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const gcmOptions = { authTagLength: tagBytes };

/** What a sealed detail has beside its ciphertext, which is as long as the UTF-8 of the detail. */
export const detailOverheadBytes = detailAt + tagBytes;

/** Seals the details of one batch. Every call takes the next index: one sealer is for one batch only. */
export class DetailSealer {
  readonly #key: Buffer;
  readonly #header = Buffer.alloc(detailAt);
  readonly #nonce = Buffer.alloc(nonceBytes);
  #next = 0;

  /** @throws VaultFault MISSING_TERM */
  constructor(keyring: Keyring) {
    const salt = randomBytes(indexAt - saltAt);
    this.#key = batchKey(keyring, keyring.currentTerm, salt);
    this.#header.writeUInt8(format, 0);
    this.#header.writeUInt32BE(keyring.currentTerm, 1);
    salt.copy(this.#header, saltAt);
  }

  /**
   * Writes the sealed detail of the event with this id to `target` at `offset`, and gives the offset after it:
   * `detailOverheadBytes` and the UTF-8 of `detail`.
   */
  sealInto(target: Buffer, offset: number, eventId: string, detail: string): number {
    const index = this.#next++;
    this.#header.writeUInt32BE(index, indexAt);
    this.#nonce.writeUInt32BE(index, nonceBytes - 4);
    const cipher: CipherGCM = createCipheriv(algorithm, this.#key, this.#nonce, gcmOptions);
    cipher.setAAD(associatedDataOf(eventId));
    const ciphertext = cipher.update(detail, 'utf8');
    cipher.final();
    target.set(this.#header, offset);
    target.set(ciphertext, offset + detailAt);
    target.set(cipher.getAuthTag(), offset + detailAt + ciphertext.length);
    return offset + ciphertext.length + detailOverheadBytes;
  }
}

/** Opens sealed details; rows of one batch share the work of finding their key. One opener is for one page only. */
export class DetailOpener {
  readonly #keyring: Keyring;
  readonly #keys = new Map<string, Buffer>();

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** @throws VaultFault CANNOT_OPEN when it was altered or is another event's; MISSING_TERM */
  open(eventId: string, sealed: Buffer): string {
    if (sealed.length < detailOverheadBytes || sealed[0] !== format) throw cannotOpen(eventId);
    const key = this.#keyOf(sealed);
    const nonce = Buffer.alloc(nonceBytes);
    sealed.copy(nonce, nonceBytes - 4, indexAt, detailAt);
    const tagAt = sealed.length - tagBytes;
    const decipher = createDecipheriv(algorithm, key, nonce, gcmOptions);
    decipher.setAAD(associatedDataOf(eventId));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const detail = decipher.update(sealed.subarray(detailAt, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      detail.fill(0);
      throw cannotOpen(eventId, cause);
    }
    return detail.toString('utf8');
  }

  #keyOf(sealed: Buffer): Buffer {
    const place = sealed.toString('latin1', 1, indexAt);
    const known = this.#keys.get(place);
    if (known !== undefined) return known;
    const key = batchKey(this.#keyring, sealed.readUInt32BE(1), sealed.subarray(saltAt, indexAt));
    this.#keys.set(place, key);
    return key;
  }
}

function batchKey(keyring: Keyring, term: number, salt: Buffer): Buffer {
  const key = keyring.keyOfTerm(term);
  if (key === undefined) throw new VaultFault('MISSING_TERM', `Key term ${term} is not in the keyring`);
  const info = `onecli/v1/audit-detail/${keyring.instanceId}`;
  return Buffer.from(hkdfSync('sha256', key, salt, info, keyBytes));
}

function associatedDataOf(eventId: string): Buffer {
  const { table, column, rowId } = auditDetailContext(eventId);
  return associatedData([table, column, rowId]);
}

function cannotOpen(eventId: string, cause?: unknown): VaultFault {
  return new VaultFault('CANNOT_OPEN', `Cannot open the detail of audit event ${eventId}: it was altered or moved`, {
    cause,
  });
}
