import { createPrivateKey, randomBytes } from 'node:crypto';
import { openBackup } from '@onecli/shared/vault/backup-file';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goodExtensions, issueAuthority } from '../../../test/support/brought-authority.ts';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { BackupService } from './backup.service.ts';

const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
const passphrase = 'correct horse battery staple';
let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase(), { master });
});
afterAll(() => services?.close());

/** Every way in which a private key may stand in a text or in bytes. */
function tracesOf(pem: string): Buffer[] {
  const key = createPrivateKey(pem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const lines = pem.split('\n').filter((line) => line.length > 40 && !line.startsWith('-'));
  const encoded = [der, secret].flatMap((bytes) =>
    (['base64', 'base64url', 'hex'] as const).map((encoding) => bytes.toString(encoding)),
  );
  // Within a longer text base64 may begin at another of its three bytes.
  const shifted = [1, 2].map((offset) => secret.subarray(offset, offset + 27).toString('base64'));
  return [...lines, ...encoded, ...shifted].map((text) => Buffer.from(text)).concat(secret, der);
}

/** What stands encoded in a text, one step further. */
function decoded(text: string): Buffer {
  const hex = [...text.matchAll(/[0-9a-f]{64,}/g)].map(([run]) => Buffer.from(run, 'hex'));
  const base64 = [...text.matchAll(/[A-Za-z0-9+/]{64,}={0,2}/g)].map(([run]) => Buffer.from(run, 'base64'));
  return Buffer.concat([...hex, ...base64]);
}

async function* inOnePiece(file: Buffer): AsyncGenerator<Buffer> {
  yield file;
}

describe('a backup', () => {
  it('holds no key of an authority that was brought, neither in the file nor in what its passphrase opens', async () => {
    const brought = issueAuthority(undefined, { extensions: goodExtensions });
    await services.authorities.import(owner, brought);
    const backups = new BackupService(services.dataSource, services.change, services.keys, master);
    const pieces: Buffer[] = [];
    for await (const piece of await backups.create(owner, { passphrase })) pieces.push(piece);
    const file = Buffer.concat(pieces);
    const opened: Buffer[] = [];
    for await (const chunk of (await openBackup(inOnePiece(file))).content({ passphrase })) opened.push(chunk);
    const content = Buffer.concat(opened);
    // It is there, by its certificate.
    expect(content.includes(brought.certificate.split('\n')[1] ?? 'none')).toBe(true);
    const places = [file, content, decoded(content.toString('latin1')), decoded(file.toString('latin1'))];
    for (const trace of tracesOf(brought.privateKey))
      expect(places.map((place) => place.includes(trace))).toEqual([false, false, false, false]);
  });
});
