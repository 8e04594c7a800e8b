/*
 * A checkpoint: the head of the tree, signed. The text is that of C2SP tlog-checkpoint, the signature that of C2SP signed-note:
 *
 *   <origin>
 *   <how many leaves>
 *   <root, base64>
 *
 *   — <origin> <base64 of key id and Ed25519 signature>
 *
 * The signature is over the text with its last newline, without the empty line.
 */
import { fromBase64, joined, toBase64, toHex, utf8 } from './bytes.ts';
import { hashBytes, type Sha256 } from './merkle-tree.ts';

const ed25519 = 1;
const signatureBytes = 64;
const maxNoteLength = 4_000;

/** A head of the tree under a name. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A public key by its name: `name+key id+key`, as C2SP signed-note's users write it. */
export interface NoteKey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** @param publicKey 32 bytes (RFC 8032) */
export function noteKey(sha256: Sha256, name: string, publicKey: Uint8Array): NoteKey {
  const keyId = sha256(joined(utf8(`${name}\n`), Uint8Array.of(ed25519), publicKey)).slice(0, 4);
  return { name, keyId, publicKey };
}

export function writeNoteKey({ name, keyId, publicKey }: NoteKey): string {
  return `${name}+${toHex(keyId)}+${toBase64(joined(Uint8Array.of(ed25519), publicKey))}`;
}

/** Undefined for what is no key, or one whose id is not its own. */
export function readNoteKey(sha256: Sha256, text: string): NoteKey | undefined {
  const [, name = '', id = '', key = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const bytes = fromBase64(key);
  if (bytes?.length !== hashBytes + 1 || bytes[0] !== ed25519) return undefined;
  const read = noteKey(sha256, name, bytes.slice(1));
  return toHex(read.keyId) === id ? read : undefined;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The whole note. */
export function writeCheckpoint(checkpoint: Checkpoint, { name, keyId }: NoteKey, signature: Uint8Array): string {
  return `${checkpointText(checkpoint)}\n— ${name} ${toBase64(joined(keyId, signature))}\n`;
}

export type ReadCheckpoint =
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'bad'; readonly reason: string };

export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** Reads a note, of which a signature by the key must be good. Signatures by others are passed over. */
export function readCheckpoint(note: string, key: NoteKey, verify: VerifyEd25519): ReadCheckpoint {
  const end = note.length > maxNoteLength ? -1 : note.lastIndexOf('\n\n');
  if (end === -1) return bad('it is not a note');
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = ''] = text.split('\n');
  const rootHash = fromBase64(root);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || rootHash?.length !== hashBytes) return bad('it is not a checkpoint');
  if (origin !== key.name) return bad('it is of another trail');
  const signature = signatureOf(note.slice(end + 2), key);
  if (signature === undefined) return bad('it is not signed by this key');
  if (!verify(key.publicKey, utf8(text), signature)) return bad('its signature is not good');
  return { kind: 'checkpoint', checkpoint: { origin, size: Number(size), root: rootHash } };
}

function signatureOf(lines: string, { name, keyId }: NoteKey): Uint8Array | undefined {
  for (const line of lines.split('\n')) {
    const [, signer, base64 = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = signer === name ? fromBase64(base64) : undefined;
    if (bytes?.length !== keyId.length + signatureBytes) continue;
    if (toHex(bytes.slice(0, 4)) === toHex(keyId)) return bytes.slice(4);
  }
  return undefined;
}

function bad(reason: string): ReadCheckpoint {
  return { kind: 'bad', reason };
}
