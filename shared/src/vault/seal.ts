/*
 * A sealed value, big-endian:
 *
 *   format      1   0x01
 *   term        4   which key-encryption key
 *   data key   60   nonce 12, ciphertext 32, tag 16, under that key
 *   value    28+n   nonce 12, ciphertext n, tag 16, under the data key
 *
 * Both parts carry the same associated data, so neither opens in another place, and the term picks the one key that is tried.
 */
import { randomBytes } from 'node:crypto';
import { GCM_OVERHEAD_BYTES, decrypt, encrypt } from './aes-gcm.ts';
import { associatedData, u32, u64 } from './associated-data.ts';
import { instanceIdBytes } from './instance-id.ts';
import type { Keyring } from './keyring.ts';
import { VaultFault } from './vault-fault.ts';

const FORMAT = 1;
const DATA_KEY_BYTES = 32;
const BINDING_HASH_BYTES = 32;
const TERM_AT = 1;
const WRAPPED_KEY_AT = TERM_AT + 4;
const VALUE_AT = WRAPPED_KEY_AT + DATA_KEY_BYTES + GCM_OVERHEAD_BYTES;
const MIN_SEALED_BYTES = VALUE_AT + GCM_OVERHEAD_BYTES;

/** The one place where a sealed value may be opened. */
export interface SealContext {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
  readonly version: number;
  /** Of `bindingHash()`, 32 bytes, for values that are bound to hosts. */
  readonly bindingHash?: Buffer | undefined;
}

/**
 * Seals a value for one place, under a fresh data key that the current term's key wraps (AES-256-GCM, NIST SP 800-38D).
 * The result is 93 bytes longer than the plaintext. One term is good for 2^32 calls.
 * @throws VaultFault BAD_CONTEXT
 */
export function seal(keyring: Keyring, context: SealContext, plaintext: Buffer): Buffer {
  const dataKey = randomBytes(DATA_KEY_BYTES);
  try {
    return sealUnder(keyring, context, dataKey, plaintext);
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Gives the plaintext back, in a buffer that the caller owns and may wipe. Tries exactly one key: that of the term in the header.
 * @throws VaultFault CANNOT_OPEN when it was altered, cut, or sealed for another place; MISSING_TERM when the keyring lacks
 * its term; BAD_CONTEXT.
 */
export function open(keyring: Keyring, context: SealContext, sealed: Buffer): Buffer {
  const opened = openBoth(keyring, context, sealed);
  opened.dataKey.fill(0);
  return opened.plaintext;
}

/**
 * Moves a sealed value to the current term with the same data key. It is verified on the way, so that an old term is never
 * given up for a value that no longer opens.
 * @throws VaultFault as `open` does
 */
export function rewrap(keyring: Keyring, context: SealContext, sealed: Buffer): Buffer {
  const { dataKey, plaintext } = openBoth(keyring, context, sealed);
  try {
    return sealUnder(keyring, context, dataKey, plaintext);
  } finally {
    dataKey.fill(0);
    plaintext.fill(0);
  }
}

/**
 * The term that a sealed value names, unverified: good for finding what is still to be rewrapped.
 * @throws VaultFault CANNOT_OPEN when it is too short or of an unknown format
 */
export function termOf(sealed: Buffer): number {
  if (sealed.length < MIN_SEALED_BYTES || sealed[0] !== FORMAT) {
    throw new VaultFault('CANNOT_OPEN', 'This is not a sealed value of a known format');
  }
  return sealed.readUInt32BE(TERM_AT);
}

function sealUnder(keyring: Keyring, context: SealContext, dataKey: Buffer, plaintext: Buffer): Buffer {
  requireContext(context);
  const term = keyring.currentTerm;
  const aad = associatedDataOf(keyring, context, term);
  const header = Buffer.allocUnsafe(WRAPPED_KEY_AT);
  header.writeUInt8(FORMAT, 0);
  header.writeUInt32BE(term, TERM_AT);
  const wrappedKey = encrypt(requireKey(keyring, context, term), dataKey, aad);
  return Buffer.concat([header, wrappedKey, encrypt(dataKey, plaintext, aad)]);
}

function openBoth(keyring: Keyring, context: SealContext, sealed: Buffer): { dataKey: Buffer; plaintext: Buffer } {
  requireContext(context);
  let term: number;
  try {
    term = termOf(sealed);
  } catch (cause) {
    throw cannotOpen(context, cause);
  }
  const key = requireKey(keyring, context, term);
  const aad = associatedDataOf(keyring, context, term);
  let dataKey: Buffer | undefined;
  try {
    dataKey = decrypt(key, sealed.subarray(WRAPPED_KEY_AT, VALUE_AT), aad);
    return { dataKey, plaintext: decrypt(dataKey, sealed.subarray(VALUE_AT), aad) };
  } catch (cause) {
    dataKey?.fill(0);
    throw cannotOpen(context, cause);
  }
}

function requireKey(keyring: Keyring, context: SealContext, term: number) {
  const key = keyring.keyOfTerm(term);
  if (key === undefined) {
    throw new VaultFault('MISSING_TERM', `Key term ${term} is not in the keyring; ${placeOf(context)} needs it`);
  }
  return key;
}

/** @param context one that was checked */
function associatedDataOf(keyring: Keyring, context: SealContext, term: number): Buffer {
  return associatedData([
    bytesOf(keyring.instanceId),
    context.table,
    context.column,
    context.rowId,
    u64(context.version),
    u32(term),
    context.bindingHash ?? Buffer.alloc(0),
  ]);
}

/** Of the last instance asked for: a process seals and opens for one, ten thousand times at its start. */
let known: { readonly id: string; readonly bytes: Buffer } = { id: '', bytes: Buffer.alloc(0) };

function bytesOf(instanceId: string): Buffer {
  if (known.id !== instanceId) known = { id: instanceId, bytes: instanceIdBytes(instanceId) };
  return known.bytes;
}

/** Rows that have no id yet and the like would otherwise be bound to nothing. */
function requireContext(context: SealContext): void {
  for (const field of ['table', 'column', 'rowId'] as const) {
    if (typeof context[field] !== 'string' || context[field] === '') {
      throw new VaultFault('BAD_CONTEXT', `The seal context lacks its ${field}`);
    }
  }
  if (!Number.isSafeInteger(context.version) || context.version < 0) {
    throw new VaultFault('BAD_CONTEXT', 'The version in a seal context must be a whole number, zero or more');
  }
  if (context.bindingHash !== undefined && context.bindingHash.length !== BINDING_HASH_BYTES) {
    throw new VaultFault('BAD_CONTEXT', 'The binding hash in a seal context must be 32 bytes');
  }
}

function cannotOpen(context: SealContext, cause: unknown): VaultFault {
  return new VaultFault('CANNOT_OPEN', `Cannot open ${placeOf(context)}: it was altered, moved or cut short`, {
    cause,
  });
}

function placeOf(context: SealContext): string {
  return `${context.table}.${context.column} of row ${context.rowId}, version ${context.version}`;
}
