/*
 * A file of the spool. Integers are big-endian.
 *
 *   magic     8   "OCSPOOL1"
 *   salt     16   random
 *   then, encrypted with AES-256-CTR from block 0, records:
 *     length    4   of the payload
 *     checksum  4   CRC-32 of the payload
 *     payload       first sequence 6, number of entries 4, text in ASCII
 *
 * The key is HKDF-SHA256 (RFC 5869) of the instance's key for `audit-spool` with the salt, so that no two files share key stream.
 * The first record has no entries: its text is the MAC that the first link follows on. Every other one is a link of the chain, whose
 * MAC says that nobody altered it. A record that is cut short, or whose checksum is wrong, is where a process died: nothing is
 * read after it, and nobody writes to that file again.
 */
import { type Cipher, createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { KeyStream, wordsOf } from './key-stream.ts';
import type { SpoolDisk } from './spool-disk.ts';

const magic = Buffer.from('OCSPOOL1', 'latin1');
const saltBytes = 16;
export const headerBytes = magic.length + saltBytes;
const frameBytes = 8;
const prefixBytes = 10;
const firstCounter = Buffer.alloc(16);
/** No link comes near it: what says that it is longer is not a record. */
const maxRecordBytes = 64 * 1024 * 1024;

export interface SpoolRecord {
  readonly first: number;
  readonly count: number;
  readonly text: string;
}

/** A record as it is appended: the end of its text by itself, so that nobody joins them but in the file. */
export interface AppendedRecord extends SpoolRecord {
  readonly end?: string;
}

function keyOf(key: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, 'onecli/v1/audit-spool/segment', 32));
}

/** Writes one file from its start to its end. After a fault it must not be used again: its key stream has moved on. */
export class SegmentWriter {
  readonly path: string;
  readonly descriptor: number;
  readonly #disk: SpoolDisk;
  readonly #stream: KeyStream;
  /** Has its memory for itself, so that it is words as well. */
  #scratch = Buffer.allocUnsafeSlow(16 * 1024);
  #words = wordsOf(this.#scratch);
  #bytes = 0;

  private constructor(disk: SpoolDisk, path: string, key: Buffer, salt: Buffer) {
    this.#disk = disk;
    this.path = path;
    this.descriptor = disk.create(path);
    this.#stream = new KeyStream(createCipheriv('aes-256-ctr', keyOf(key, salt), firstCounter));
  }

  /** @throws Error of the system, when there is no room for the file and its first record; nothing is left of it then */
  static create(disk: SpoolDisk, path: string, key: Buffer, head: SpoolRecord): SegmentWriter {
    const salt = randomBytes(saltBytes);
    const writer = new SegmentWriter(disk, path, key, salt);
    try {
      writer.#write(Buffer.concat([magic, salt]));
      writer.append(head);
      return writer;
    } catch (error) {
      writer.close();
      disk.remove(path);
      throw error;
    }
  }

  /** Of whole records, and of what is before them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes a record with one call to the system. @throws Error of the system; what was half-written is cut off; and of one that would not be read */
  append({ first, count, text, end = '' }: AppendedRecord): void {
    const length = prefixBytes + text.length + end.length;
    if (length > maxRecordBytes) throw new Error('A record of the audit spool would be too long to be read');
    const { phase } = this.#stream;
    const last = phase + frameBytes + length;
    if (this.#scratch.length < last) this.#grow(last);
    const record = this.#scratch.subarray(phase, last);
    record.writeUIntBE(first, frameBytes, 6);
    record.writeUInt32BE(count, frameBytes + 6);
    record.write(text, frameBytes + prefixBytes, 'latin1');
    if (end !== '') record.write(end, record.length - end.length, 'latin1');
    record.writeUInt32BE(length, 0);
    record.writeUInt32BE(crc32(record.subarray(frameBytes)), 4);
    this.#stream.cover(this.#scratch, this.#words, last);
    this.#write(record);
  }

  #grow(length: number): void {
    this.#scratch = Buffer.allocUnsafeSlow(2 * length);
    this.#words = wordsOf(this.#scratch);
  }

  close(): void {
    this.#disk.close(this.descriptor);
  }

  #write(bytes: Buffer): void {
    try {
      const written = this.#disk.write(this.descriptor, bytes);
      if (written !== bytes.length) throw new Error('The disk took only a part of a record');
      this.#bytes += written;
    } catch (error) {
      this.#disk.cut(this.descriptor, this.#bytes);
      throw error;
    }
  }
}

/** Reads the records of one file in their order. */
export class SegmentReader {
  readonly #disk: SpoolDisk;
  readonly #path: string;
  readonly #key: Buffer;
  /** CTR is its own reverse. */
  #cipher: Cipher | undefined;
  #offset = headerBytes;
  #carry: Buffer = Buffer.alloc(0);
  #isCut = false;

  constructor(disk: SpoolDisk, path: string, key: Buffer) {
    this.#disk = disk;
    this.#path = path;
    this.#key = key;
  }

  /** True when what was read so far ends with what is no whole record: in a file that is complete, nothing more can be read. */
  get endsWithin(): boolean {
    return this.#isCut || this.#carry.length > 0;
  }

  /**
   * The next records, some `maxBytes` of them and at least one, if there is one before `end`, an offset in the file.
   * @throws Error of the system
   */
  async read(end: number, maxBytes: number): Promise<SpoolRecord[]> {
    for (let wanted = maxBytes; ; wanted *= 2) {
      if (!this.#isCut && this.#offset < end) await this.#fill(Math.min(wanted, end - this.#offset));
      const records = this.#parse();
      if (records.length > 0 || this.#isCut || this.#offset >= end) return records;
    }
  }

  /** Whether all before `end` was read; what is left then is no whole record. */
  isAt(end: number): boolean {
    return this.#isCut || this.#offset >= end;
  }

  async #fill(length: number): Promise<void> {
    if (!this.#cipher) {
      const header = await this.#bytesAt(0, headerBytes);
      if (header.length < headerBytes || !header.subarray(0, magic.length).equals(magic)) {
        this.#isCut = true;
        return;
      }
      const key = keyOf(this.#key, header.subarray(magic.length));
      this.#cipher = createCipheriv('aes-256-ctr', key, firstCounter);
    }
    const bytes = await this.#bytesAt(this.#offset, length);
    if (bytes.length === 0) this.#isCut = true;
    this.#offset += bytes.length;
    this.#carry = Buffer.concat([this.#carry, this.#cipher.update(bytes)]);
  }

  /** A file that is gone ends. When its whole folder is, another has taken that, and there is no telling. */
  async #bytesAt(offset: number, length: number): Promise<Buffer> {
    try {
      return await this.#disk.read(this.#path, offset, length);
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isGone && this.#disk.list(dirname(this.#path)).length > 0) return Buffer.alloc(0);
      throw error;
    }
  }

  #parse(): SpoolRecord[] {
    const records: SpoolRecord[] = [];
    const bytes = this.#carry;
    let at = 0;
    while (bytes.length - at >= frameBytes + prefixBytes) {
      const length = bytes.readUInt32BE(at);
      if (length < prefixBytes || length > maxRecordBytes) {
        this.#isCut = true;
        break;
      }
      if (bytes.length - at < frameBytes + length) break;
      const payload = bytes.subarray(at + frameBytes, at + frameBytes + length);
      if (crc32(payload) !== bytes.readUInt32BE(at + 4)) {
        this.#isCut = true;
        break;
      }
      const text = payload.toString('latin1', prefixBytes, length);
      records.push({ first: payload.readUIntBE(0, 6), count: payload.readUInt32BE(6), text });
      at += frameBytes + length;
    }
    this.#carry = Buffer.from(bytes.subarray(at));
    return records;
  }
}
