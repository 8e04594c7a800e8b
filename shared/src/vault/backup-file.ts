/*
 * A backup file, big-endian:
 *
 *   magic     14   "ONECLI-BACKUP\n"
 *   length     4   of the header
 *   header     n   JSON, in the clear: what is needed to find the key
 *   chunks         ciphertext of 65536 bytes (the last one: 0 to 65536) and its tag of 16, each
 *
 * The chunks are the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance, 2015) with AES-256-GCM: the nonce is the chunk's number (11 bytes) and whether it is the last
 * (1 byte). So a chunk that is missing, moved, repeated or appended, and an end that came too early, do not open. Each file has a
 * key of its own: HKDF-SHA256 of the backup key with a random salt. Hash of all that stands before the chunks: associated data.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { instanceIdBytes } from './instance-id.ts';
import type { MasterKey } from './master-key.ts';
import { VaultFault } from './vault-fault.ts';

const magic = Buffer.from('ONECLI-BACKUP\n', 'latin1');
const chunkBytes = 65_536;
const tagBytes = 16;
const maxHeaderBytes = 65_536;
const scryptCost = { N: 2 ** 16, r: 8, p: 1, maxmem: 128 * 2 ** 20 };
/** In libuv's threads: it takes a good part of a second. */
const stretch = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** What a backup says of itself without a key. It is part of what is authenticated. */
export interface BackupHeader {
  readonly format: 1;
  readonly instanceId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly revision: number;
  /** What the key is made of. */
  readonly keyFrom: 'master-key' | 'passphrase';
  /** 32 random bytes, base64. */
  readonly salt: string;
  /** Names of the migrations of the schema that it was made with. */
  readonly migrations: readonly string[];
  readonly hasAudit: boolean;
}

/** What a backup is sealed under. */
export type BackupKey = { readonly master: MasterKey } | { readonly passphrase: string };

/** 32 random bytes for a header. */
export function backupSalt(): string {
  return randomBytes(32).toString('base64');
}

/** Seals what is given to it, piece by piece. */
export class BackupSealer {
  readonly #key: Buffer;
  readonly #head: Buffer;
  readonly #aad: Buffer;
  #pending = Buffer.alloc(0);
  #number = 0;

  private constructor(header: BackupHeader, key: Buffer) {
    const json = Buffer.from(JSON.stringify(header), 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(json.length);
    this.#head = Buffer.concat([magic, length, json]);
    this.#aad = hashOf(this.#head);
    this.#key = key;
  }

  /** @throws VaultFault BAD_KEY when the key is not of the kind that the header says */
  static async create(header: BackupHeader, key: BackupKey): Promise<BackupSealer> {
    return new BackupSealer(header, await fileKey(header, key));
  }

  /** What the file begins with. */
  get head(): Buffer {
    return this.#head;
  }

  /** The chunks that are full now. */
  push(data: Buffer): Buffer {
    this.#pending = Buffer.concat([this.#pending, data]);
    const sealed: Buffer[] = [];
    // One that is just full may yet be the last.
    while (this.#pending.length > chunkBytes) {
      sealed.push(this.#seal(this.#pending.subarray(0, chunkBytes), false));
      this.#pending = this.#pending.subarray(chunkBytes);
    }
    return Buffer.concat(sealed);
  }

  /** The last chunk. */
  end(): Buffer {
    return this.#seal(this.#pending, true);
  }

  #seal(data: Buffer, isLast: boolean): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#number++, isLast), {
      authTagLength: tagBytes,
    });
    cipher.setAAD(this.#aad);
    return Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
  }
}

/** A backup that is being read: its header, then what is in it. */
export interface OpenBackup {
  readonly header: BackupHeader;
  /** Opens chunk after chunk. Ends only after the last one was found to be that. */
  content(key: BackupKey): AsyncGenerator<Buffer>;
}

/**
 * Reads a backup's header.
 * @throws VaultFault CANNOT_OPEN for what is no backup; `content` throws it for one that was altered or cut, or under another key
 */
export async function openBackup(source: AsyncIterable<Buffer>): Promise<OpenBackup> {
  const reader = new ByteReader(source);
  const start = await reader.take(magic.length + 4);
  const length = start.length === magic.length + 4 ? start.readUInt32BE(magic.length) : 0;
  if (!start.subarray(0, magic.length).equals(magic) || length === 0 || length > maxHeaderBytes) {
    throw new VaultFault('CANNOT_OPEN', 'This is no OneCLI backup');
  }
  const json = await reader.take(length);
  const header = parseHeader(json);
  const aad = hashOf(Buffer.concat([start, json]));
  return { header, content: (key) => openChunks(reader, () => fileKey(header, key), aad) };
}

async function* openChunks(reader: ByteReader, keyOfFile: () => Promise<Buffer>, aad: Buffer): AsyncGenerator<Buffer> {
  const key = await keyOfFile();
  for (let number = 0; ; number++) {
    const sealed = await reader.take(chunkBytes + tagBytes);
    const isLast = await reader.isAtEnd();
    yield openChunk(key, aad, sealed, nonceOf(number, isLast));
    if (isLast) return;
  }
}

function openChunk(key: Buffer, aad: Buffer, sealed: Buffer, nonce: Buffer): Buffer {
  try {
    const tagAt = sealed.length - tagBytes;
    if (tagAt < 0) throw new RangeError('Shorter than a tag');
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(tagAt));
    return Buffer.concat([decipher.update(sealed.subarray(0, tagAt)), decipher.final()]);
  } catch (cause) {
    const message = 'The backup does not open: the key is another, or the file was altered or cut short';
    throw new VaultFault('CANNOT_OPEN', message, { cause });
  }
}

function parseHeader(json: Buffer): BackupHeader {
  try {
    const header = JSON.parse(json.toString('utf8')) as BackupHeader;
    instanceIdBytes(header.instanceId);
    const isKnown = header.format === 1 && (header.keyFrom === 'master-key' || header.keyFrom === 'passphrase');
    if (!isKnown || typeof header.salt !== 'string' || !Array.isArray(header.migrations))
      throw new TypeError('unknown');
    return header;
  } catch (cause) {
    throw new VaultFault('CANNOT_OPEN', 'The header of the backup was altered, or is of a later release', { cause });
  }
}

async function fileKey({ instanceId, salt, keyFrom }: BackupHeader, key: BackupKey): Promise<Buffer> {
  const saltBytes = Buffer.from(salt, 'base64');
  if ('master' in key !== (keyFrom === 'master-key')) {
    const wanted = keyFrom === 'passphrase' ? 'a passphrase' : 'the master key';
    throw new VaultFault('BAD_KEY', `The backup is sealed under ${wanted}`);
  }
  const secret =
    'master' in key
      ? key.master.derive('backup', instanceId)
      : await stretch(key.passphrase, saltBytes, 32, scryptCost);
  return Buffer.from(hkdfSync('sha256', secret, saltBytes, 'onecli/v1/backup-file', 32));
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function hashOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Takes so many bytes at a time from a stream. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #pending = Buffer.alloc(0);
  #isOver = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** So many bytes, or fewer at the end. */
  async take(count: number): Promise<Buffer> {
    await this.#fill(count);
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }

  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#pending.length === 0;
  }

  async #fill(count: number): Promise<void> {
    while (!this.#isOver && this.#pending.length < count) {
      const { done, value } = await this.#source.next();
      if (done === true) this.#isOver = true;
      else this.#pending = Buffer.concat([this.#pending, value]);
    }
  }
}
