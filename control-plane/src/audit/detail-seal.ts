/*
 * The sealed detail of an audit event, big-endian:
 *
 *   format      1   0x04
 *   term        4   which key-encryption key
 *   salt       16   random, one for each batch
 *   place       4   where in the batch's key stream the detail begins, in blocks of 16 bytes
 *   detail   n+16   ciphertext n, tag 16
 *
 * A batch has two keys of its own: HKDF-SHA256 (RFC 5869) of the term's key with the salt. Details are encrypted by AES-256 in counter
 * mode (NIST SP 800-38A, 6.5), the counter beginning with the place: no two details of a batch have a block of the key stream in common,
 * so all of them are encrypted at once, and each can be opened alone. The tag is HMAC-SHA-256, cut to 128 bits (RFC 2104, 5), over the
 * header, the row's place, of which the event's id is a part, and the ciphertext, and is checked first: a detail opens only as it was
 * written, and only for its own event. A cipher with a tag of its own for each detail would cost four times as much.
 *
 * Format 0x03, as it was written before: the same header, with the event's index in its batch for the place, and AES-256-GCM with that
 * index as the nonce and the row's place as associated data.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { auditDetailContext } from '@onecli/shared/seal-contexts';
import { associatedData } from '@onecli/shared/vault/associated-data';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { hmacBlockBytes, OneShotHmac } from '@onecli/shared/vault/one-shot-hmac';
import { VaultFault } from '@onecli/shared/vault/vault-fault';

const streamCipher = 'aes-256-ctr';
const format = 4;
const formatOfGcm = 3;
const saltAt = 5;
const placeAt = 21;
const detailAt = 25;
const keyBytes = 32;
const blockBytes = 16;
const gcmNonceBytes = 12;
const tagBytes = 16;
const gcmOptions = { authTagLength: tagBytes };
const overheadBytes = detailAt + tagBytes;
const lengthBytes = 4;
/** Of what a tag is over. */
const usualBytes = 448;
/** What the places of all rows begin with: the id of each follows, after its length, as `associatedData` writes it. */
const tablePlace = associatedData([auditDetailContext('').table, auditDetailContext('').column]);

/** A detail and whose it is. */
export interface Detail {
  readonly eventId: string;
  readonly text: string;
}

/** Seals the details of one batch. @returns each in hex, in their order @throws VaultFault MISSING_TERM */
export function sealDetails(keyring: Keyring, details: readonly Detail[]): string[] {
  const header = Buffer.alloc(detailAt);
  header.writeUInt8(format, 0);
  header.writeUInt32BE(keyring.currentTerm, 1);
  randomBytes(placeAt - saltAt).copy(header, saltAt);
  const { cipherKey, hmac } = batchKeys(keyring, header);
  const { bytes, starts, ends } = encrypted(cipherKey, details);
  const batchHex = header.toString('hex', 0, placeAt);
  return details.map(({ eventId }, index) => {
    const [start, end] = [starts[index] ?? 0, ends[index] ?? 0];
    header.writeUInt32BE(start / blockBytes, placeAt);
    const tag = tagOf(hmac, header, eventId, bytes.subarray(start, end));
    return `${batchHex}${header.toString('hex', placeAt)}${bytes.toString('hex', start, end)}${tag}`;
  });
}

/** The details, each from a block of its own on, under one run of the cipher. */
function encrypted(key: Buffer, details: readonly Detail[]) {
  const starts: number[] = [];
  const ends: number[] = [];
  let size = 0;
  for (const { text } of details) {
    starts.push(size);
    ends.push(size + Buffer.byteLength(text));
    // An empty one has a block too: no two have the same place.
    size += (Math.floor(Buffer.byteLength(text) / blockBytes) + 1) * blockBytes;
  }
  const plain = Buffer.alloc(size);
  for (const [index, { text }] of details.entries()) plain.write(text, starts[index] ?? 0);
  const bytes = createCipheriv(streamCipher, key, Buffer.alloc(blockBytes)).update(plain);
  return { bytes, starts, ends };
}

/** In hex: over the header, the row's place, and the ciphertext. */
function tagOf(hmac: OneShotHmac, header: Buffer, eventId: string, ciphertext: Buffer): string {
  const idBytes = Buffer.byteLength(eventId);
  const length = detailAt + tablePlace.length + lengthBytes + idBytes + ciphertext.length;
  const room = hmac.room(length);
  room.set(header, hmacBlockBytes);
  room.set(tablePlace, hmacBlockBytes + detailAt);
  const idAt = room.writeUInt32BE(idBytes, hmacBlockBytes + detailAt + tablePlace.length);
  room.write(eventId, idAt);
  room.set(ciphertext, idAt + idBytes);
  return hmac.hex(length).slice(0, 2 * tagBytes);
}

interface BatchKeys {
  readonly cipherKey: Buffer;
  readonly hmac: OneShotHmac;
}

/** Opens sealed details; rows of one batch share the work of finding their keys. One opener is for one page only. */
export class DetailOpener {
  readonly #keyring: Keyring;
  readonly #keys = new Map<string, BatchKeys>();
  readonly #gcmKeys = new Map<string, Buffer>();

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** @throws VaultFault CANNOT_OPEN when it was altered or is another event's; MISSING_TERM */
  open(eventId: string, sealed: Buffer): string {
    if (sealed.length < overheadBytes) throw cannotOpen(eventId);
    if (sealed[0] === formatOfGcm) return this.#openGcm(eventId, sealed);
    if (sealed[0] !== format) throw cannotOpen(eventId);
    const { cipherKey, hmac } = this.#keysOf(sealed);
    const tagAt = sealed.length - tagBytes;
    const ciphertext = sealed.subarray(detailAt, tagAt);
    const tag = Buffer.from(tagOf(hmac, sealed.subarray(0, detailAt), eventId, ciphertext), 'hex');
    if (!timingSafeEqual(tag, sealed.subarray(tagAt))) throw cannotOpen(eventId);
    const counter = Buffer.alloc(blockBytes);
    sealed.copy(counter, blockBytes - 4, placeAt, detailAt);
    return createDecipheriv(streamCipher, cipherKey, counter).update(ciphertext).toString('utf8');
  }

  #openGcm(eventId: string, sealed: Buffer): string {
    const nonce = Buffer.alloc(gcmNonceBytes);
    sealed.copy(nonce, gcmNonceBytes - 4, placeAt, detailAt);
    const tagAt = sealed.length - tagBytes;
    const decipher = createDecipheriv('aes-256-gcm', this.#gcmKeyOf(sealed), nonce, gcmOptions);
    decipher.setAAD(Buffer.concat([tablePlace, associatedData([eventId])]));
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

  #keysOf(sealed: Buffer): BatchKeys {
    const batch = sealed.toString('latin1', 1, placeAt);
    const known = this.#keys.get(batch);
    if (known !== undefined) return known;
    const keys = batchKeys(this.#keyring, sealed);
    this.#keys.set(batch, keys);
    return keys;
  }

  #gcmKeyOf(sealed: Buffer): Buffer {
    const batch = sealed.toString('latin1', 1, placeAt);
    const known = this.#gcmKeys.get(batch);
    if (known !== undefined) return known;
    const key = derived(this.#keyring, sealed, 'audit-detail', keyBytes);
    this.#gcmKeys.set(batch, key);
    return key;
  }
}

function batchKeys(keyring: Keyring, header: Buffer): BatchKeys {
  const both = derived(keyring, header, 'audit-detail-stream', 2 * keyBytes);
  return { cipherKey: both.subarray(0, keyBytes), hmac: new OneShotHmac(both.subarray(keyBytes), usualBytes) };
}

/** What a batch's header, with its term and salt, leads to. @throws VaultFault MISSING_TERM */
function derived(keyring: Keyring, header: Buffer, purpose: string, length: number): Buffer {
  const term = header.readUInt32BE(1);
  const key = keyring.keyOfTerm(term);
  if (key === undefined) throw new VaultFault('MISSING_TERM', `Key term ${term} is not in the keyring`);
  const salt = header.subarray(saltAt, placeAt);
  return Buffer.from(hkdfSync('sha256', key, salt, `onecli/v1/${purpose}/${keyring.instanceId}`, length));
}

function cannotOpen(eventId: string, cause?: unknown): VaultFault {
  return new VaultFault('CANNOT_OPEN', `Cannot open the detail of audit event ${eventId}: it was altered or moved`, {
    cause,
  });
}
