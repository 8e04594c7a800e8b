import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  checkpointText,
  type NoteKey,
  noteKey,
  writeCheckpoint,
} from '@onecli/shared/domain/audit-trail/checkpoint-note';
import { sha256 } from './node-hashes.ts';

const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicKeyBytes = 32;

/** Signs heads of trees. The origin of a checkpoint, and the name of its key, is the tree. */
export class CheckpointKey {
  readonly #private: KeyObject;
  readonly #public: Buffer;

  /** @param seed the 32 bytes of an Ed25519 private key (RFC 8032, 5.1.5) */
  constructor(seed: Buffer) {
    this.#private = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
    this.#public = createPublicKey(this.#private).export({ format: 'der', type: 'spki' }).subarray(-publicKeyBytes);
  }

  /** What the checkpoints of a tree are verified with. */
  of(treeId: string): NoteKey {
    return noteKey(sha256, originOf(treeId), this.#public);
  }

  sign(treeId: string, size: number, root: Uint8Array): string {
    const checkpoint = { origin: originOf(treeId), size, root };
    const signature = sign(null, Buffer.from(checkpointText(checkpoint), 'utf8'), this.#private);
    return writeCheckpoint(checkpoint, this.of(treeId), signature);
  }
}

function originOf(treeId: string): string {
  return `onecli/audit/${treeId}`;
}
