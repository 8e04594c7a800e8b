import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  noteKey,
  readCheckpoint,
  readNoteKey,
  checkpointText,
  writeCheckpoint,
  writeNoteKey,
} from './checkpoint-note.ts';

const sha256 = (data: Uint8Array | string): Uint8Array => createHash('sha256').update(data).digest();
const spki = Buffer.from('302a300506032b6570032100', 'hex');
const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([spki, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(spki.length);
const key = noteKey(sha256, 'onecli.example/audit', publicKey);
const checkpoint = { origin: key.name, size: 812, root: sha256(Buffer.from('x')) };
const note = writeCheckpoint(checkpoint, key, sign(null, Buffer.from(checkpointText(checkpoint)), privateKey));
const read = (text: string, by = key) => readCheckpoint(text, by, verifyEd25519);

describe('a checkpoint', () => {
  it('is written and read as a signed note', () => {
    const lines = note.split('\n');
    expect(lines.slice(0, 2)).toEqual(['onecli.example/audit', '812']);
    expect(lines[4]).toMatch(/^— onecli\.example\/audit [A-Za-z0-9+/]+=*$/);
    expect(read(note)).toEqual({
      kind: 'checkpoint',
      checkpoint: { ...checkpoint, root: new Uint8Array(checkpoint.root) },
    });
  });

  it('is not believed when any of it is another, nor by another key', () => {
    for (let at = 0; at < note.length; at++) {
      const other = note[at] === 'A' ? 'B' : 'A';
      const altered = note.slice(0, at) + other + note.slice(at + 1);
      expect({ at, kind: read(altered).kind }).toEqual({ at, kind: 'bad' });
    }
    expect(read(note, noteKey(sha256, key.name, Buffer.alloc(32, 1))).kind).toBe('bad');
    expect(read('').kind).toBe('bad');
  });

  it('is believed beside signatures of others', () => {
    expect(read(`${note}— witness.example jWbPPwAAAABkGFDL\n`).kind).toBe('checkpoint');
  });
});

describe('a key as text', () => {
  it('reads the example of the specification', () => {
    const text = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const peter = readNoteKey(sha256, text);
    expect(peter?.name).toBe('PeterNeumann');
    expect(peter && writeNoteKey(peter)).toBe(text);
  });

  it('is none when its id is not its own', () => {
    expect(readNoteKey(sha256, writeNoteKey(key).replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBeUndefined();
    expect(readNoteKey(sha256, 'x')).toBeUndefined();
  });
});
