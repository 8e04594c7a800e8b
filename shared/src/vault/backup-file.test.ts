import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type BackupHeader, type BackupKey, BackupSealer, backupSalt, openBackup } from './backup-file.ts';
import { MasterKey } from './master-key.ts';

const master = MasterKey.fromHex('5a'.repeat(32));
const sealedChunk = 65_536 + 16;
const header: BackupHeader = {
  format: 1,
  instanceId: '0192f0c1-2b3c-7d4e-8f50-112233445566',
  createdAt: '2026-01-01T00:00:00.000Z',
  revision: 7,
  keyFrom: 'master-key',
  salt: backupSalt(),
  migrations: ['A1'],
  hasAudit: false,
};

async function sealed(content: Buffer, key: BackupKey = { master }, from: BackupHeader = header) {
  const sealer = await BackupSealer.create(from, key);
  const pieces = [sealer.head];
  for (let at = 0; at < content.length; at += 10_000) pieces.push(sealer.push(content.subarray(at, at + 10_000)));
  return { file: Buffer.concat([...pieces, sealer.end()]), headBytes: sealer.head.length };
}

async function* inPieces(file: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

async function opened(file: Buffer, key: BackupKey = { master }, size = 9_999): Promise<Buffer> {
  const backup = await openBackup(inPieces(file, size));
  const pieces: Buffer[] = [];
  for await (const piece of backup.content(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const cannotOpen = { code: 'CANNOT_OPEN' };

describe('a backup file', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])('gives back %i bytes as they were', async (length) => {
    const content = randomBytes(length);
    const { file } = await sealed(content);
    expect((await opened(file)).equals(content)).toBe(true);
    expect((await openBackup(inPieces(file, 7))).header).toEqual(header);
  });

  it('does not open under another key, nor a passphrase’s under the master key', async () => {
    const { file } = await sealed(randomBytes(100));
    await expect(opened(file, { master: MasterKey.fromHex('a5'.repeat(32)) })).rejects.toMatchObject(cannotOpen);
    await expect(opened(file, { passphrase: 'x' })).rejects.toMatchObject({ code: 'BAD_KEY' });
  });

  it('opens under its passphrase and no other', { timeout: 60_000 }, async () => {
    const from: BackupHeader = { ...header, keyFrom: 'passphrase' };
    const { file } = await sealed(Buffer.from('content'), { passphrase: 'correct horse' }, from);
    expect((await opened(file, { passphrase: 'correct horse' })).toString()).toBe('content');
    await expect(opened(file, { passphrase: 'correct horsf' })).rejects.toMatchObject(cannotOpen);
  });

  it('does not open with a bit flipped anywhere: in magic, length, header, ciphertexts or tags', async () => {
    const { file, headBytes } = await sealed(randomBytes(150_000));
    const chunk = (number: number) => headBytes + number * sealedChunk;
    const regions = [
      0,
      13,
      14,
      17,
      18,
      40,
      headBytes - 1,
      chunk(0),
      chunk(1) - 1,
      chunk(1),
      chunk(2) - 16,
      chunk(2),
      file.length - 1,
    ];
    for (let bit = 0; bit < 200; bit++) regions.push(Math.floor((file.length * bit) / 200));
    for (const at of regions) {
      const altered = Buffer.from(file);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      await expect(opened(altered), `byte ${at}`).rejects.toMatchObject(cannotOpen);
    }
  });

  it('does not open cut short: within a chunk, between two, or after the header', async () => {
    const { file, headBytes } = await sealed(randomBytes(150_000));
    const lengths = [
      0,
      10,
      18,
      headBytes - 1,
      headBytes,
      headBytes + 1,
      headBytes + sealedChunk,
      headBytes + 2 * sealedChunk,
    ];
    for (const length of [...lengths, file.length - 1])
      await expect(opened(file.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(cannotOpen);
  });

  it('does not open with chunks swapped, repeated, left out or appended, its own or another file’s', async () => {
    const { file, headBytes } = await sealed(randomBytes(150_000));
    const other = (await sealed(randomBytes(150_000), { master }, { ...header, salt: backupSalt() })).file;
    const chunk = (number: number, from = file) =>
      from.subarray(headBytes + number * sealedChunk, headBytes + (number + 1) * sealedChunk);
    const head = file.subarray(0, headBytes);
    const bad = [
      [chunk(1), chunk(0), chunk(2)],
      [chunk(0), chunk(0), chunk(1), chunk(2)],
      [chunk(0), chunk(2)],
      [chunk(1), chunk(2)],
      [chunk(0), chunk(1), chunk(2), chunk(2)],
      [chunk(0), chunk(1), chunk(2), Buffer.of(0)],
      [chunk(0, other), chunk(1), chunk(2)],
    ];
    for (const [index, chunks] of bad.entries())
      await expect(opened(Buffer.concat([head, ...chunks])), `case ${index}`).rejects.toMatchObject(cannotOpen);
    expect((await opened(Buffer.concat([head, chunk(0), chunk(1), chunk(2)]))).length).toBe(150_000);
  });
});
