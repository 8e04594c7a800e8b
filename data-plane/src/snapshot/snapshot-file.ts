/**
 * The file of a worker's last good configuration: a header, then sealed records, the first ones the whole and after them what
 * changed since. Values of secrets lie in it sealed as they are in the database, and all of it is sealed once more.
 *
 *   header   `onecli-snapshot 2\n`, instance id 16, file id 16
 *   record   length u32 (big-endian), then AES-256-GCM of a value as `v8.serialize` writes it; bound to the instance, the file id
 *            and the record's place
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { decrypt, encrypt } from '@onecli/shared/vault/aes-gcm';
import { associatedData, u32, u64 } from '@onecli/shared/vault/associated-data';
import { instanceIdBytes } from '@onecli/shared/vault/instance-id';
import type { MasterKey } from '@onecli/shared/vault/master-key';

const magic = Buffer.from('onecli-snapshot 2\n');
const idBytes = 16;
const headerBytes = magic.length + 2 * idBytes;
const lengthBytes = 4;

/** What of a file is needed to add to it. */
interface Place {
  readonly instanceId: string;
  readonly fileId: Buffer;
  /** Records that are in it, and where the next one begins. */
  readonly count: number;
  readonly at: number;
}

export interface ReadSnapshotFile extends Place {
  readonly records: readonly unknown[];
  /** The last record was not written to its end: who wrote it was killed. */
  readonly isTorn: boolean;
}

/** A file that is not to be used. The message says why, and nothing of what is in it. */
export class SnapshotFileFault extends Error {
  override readonly name = 'SnapshotFileFault';
}

/**
 * Reads a file whole. Undefined when there is none.
 * @throws SnapshotFileFault when it is no such file, was damaged, or was sealed under another master key or for another instance
 */
export function readSnapshotFile(path: string, master: MasterKey): ReadSnapshotFile | undefined {
  const content = readWhole(path);
  if (content === undefined) return undefined;
  if (content.length < headerBytes || !content.subarray(0, magic.length).equals(magic))
    throw new SnapshotFileFault('it is no snapshot file of this release');
  const instanceId = uuidOf(content.subarray(magic.length, magic.length + idBytes));
  const fileId = Buffer.from(content.subarray(magic.length + idBytes, headerBytes));
  const key = master.derive('snapshot-file', instanceId);
  const records: unknown[] = [];
  let at = headerBytes;
  while (at + lengthBytes <= content.length) {
    const end = at + lengthBytes + content.readUInt32BE(at);
    if (end > content.length) break;
    records.push(openRecord(key, content.subarray(at + lengthBytes, end), { instanceId, fileId }, records.length));
    at = end;
  }
  return { instanceId, fileId, count: records.length, at, records, isTorn: at < content.length };
}

function readWhole(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new SnapshotFileFault(`it cannot be read (${code ?? 'fault'})`, { cause });
  }
}

function openRecord(key: Buffer, sealed: Buffer, file: Pick<Place, 'instanceId' | 'fileId'>, index: number): unknown {
  try {
    return deserialize(decrypt(key, sealed, boundTo(file, index))) as unknown;
  } catch (cause) {
    const message =
      index === 0 ? 'it was sealed under another master key, or was altered' : `record ${index} was altered or moved`;
    throw new SnapshotFileFault(message, { cause });
  }
}

function boundTo({ instanceId, fileId }: Pick<Place, 'instanceId' | 'fileId'>, index: number): Buffer {
  return associatedData(['snapshot-file', instanceIdBytes(instanceId), fileId, u64(index)]);
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** A file that is being written. Records reach the disk before `append` and `commit` resolve. */
export class SnapshotFileWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #key: Buffer;
  #place: Place;

  private constructor(handle: FileHandle, path: string, key: Buffer, place: Place) {
    this.#handle = handle;
    this.#path = path;
    this.#key = key;
    this.#place = place;
  }

  /** A new file beside `path`, which `commit` puts in its place. */
  static async create(path: string, key: Buffer, instanceId: string): Promise<SnapshotFileWriter> {
    const fileId = randomBytes(idBytes);
    const temporary = `${path}.next`;
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx', 0o600);
    const header = Buffer.concat([magic, instanceIdBytes(instanceId), fileId]);
    const writer = new SnapshotFileWriter(handle, path, key, { instanceId, fileId, count: 0, at: headerBytes });
    await writeAll(handle, header, 0);
    return writer;
  }

  /** The file that was read, to be added to; what of it is torn is cut off. */
  static async resume(path: string, key: Buffer, place: Place): Promise<SnapshotFileWriter> {
    const handle = await open(path, 'r+');
    await handle.truncate(place.at);
    return new SnapshotFileWriter(handle, path, key, place);
  }

  get bytes(): number {
    return this.#place.at;
  }

  /** Adds a record, not yet on the disk. */
  async write(value: unknown): Promise<void> {
    const { count, at } = this.#place;
    const sealed = encrypt(this.#key, serialize(value), boundTo(this.#place, count));
    const record = Buffer.concat([u32(sealed.length), sealed]);
    await writeAll(this.#handle, record, at);
    this.#place = { ...this.#place, count: count + 1, at: at + record.length };
  }

  async append(value: unknown): Promise<void> {
    await this.write(value);
    await this.#handle.datasync();
  }

  /** Puts what was written in the place of the file before it: that one or this one, whenever the power goes. */
  async commit(): Promise<void> {
    await this.#handle.sync();
    await rename(`${this.#path}.next`, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
