import { randomBytes } from 'node:crypto';
import { MasterKey } from '@onecli/shared/vault/master-key';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { createDataSource } from '../database/data-source.ts';
import { migrate } from '../database/migrate.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { AppliedWait } from '../workers/applied-wait.ts';
import { newestRevision } from '../workers/testing/following-workers.ts';
import { WorkerStore } from '../workers/worker-store.ts';
import { confirmRestored } from './confirm-restored.ts';
import { restoreBackup } from './restore-backup.ts';
import { writeBackup } from './write-backup.ts';

const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
const ends: (() => Promise<void>)[] = [];
let services: Awaited<ReturnType<typeof openServices>>;

beforeEach(async () => {
  services = await openServices(await freshDatabase(), { master });
  ends.push(() => services.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function saved(): Promise<Buffer> {
  const { instanceId } = services.keys;
  const pieces: Buffer[] = [];
  for await (const piece of writeBackup(services.dataSource, { instanceId, key: { master }, hasAudit: false }))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* inOnePiece(file: Buffer): AsyncGenerator<Buffer> {
  yield file;
}

const restore = (database: DataSource, file: Buffer) =>
  restoreBackup(database, {
    file: inOnePiece(file),
    master,
    passphrase: undefined,
    destroyedFile: undefined,
    acceptsRevival: true,
    isReplacing: true,
    isConfirmed: false,
  });

const confirm = (database: DataSource) =>
  database.transaction((manager) => confirmRestored(manager, services.keys.epochKey, () => undefined));

const report = (database: DataSource, appliedRevision: number) =>
  database.query('SELECT worker_heartbeat($1)', [
    { name: 'w', bootId: 'b', version: '1', appliedRevision, startedAtMs: 0, terms: [1] },
  ]);

/** What is said of the newest revision to who waits for it. */
const told = async (database: DataSource) =>
  new AppliedWait(new WorkerStore(database)).until(await newestRevision(database), 50);

const behind = { isEverywhere: false, behind: ['w'] };

/** What is changed while it is not confirmed: a revocation. */
const change = (database: DataSource) => database.query('UPDATE config_state SET revision = revision + 1');

describe('a revision after a restore', () => {
  it('is not said to be everywhere while workers refuse it, nor before they have looked', async () => {
    const { dataSource } = services;
    const file = await saved();
    await dataSource.query('UPDATE config_state SET revision = 500');
    await report(dataSource, 500);
    await restore(dataSource, file);
    expect(await newestRevision(dataSource)).toBe(501);
    expect(await told(dataSource)).toMatchObject(behind);
    await change(dataSource);
    // Whatever a worker reports, it takes nothing yet.
    await report(dataSource, 502);
    expect(await told(dataSource)).toMatchObject(behind);
    await report(dataSource, 500);
    await confirm(dataSource);
    expect(await told(dataSource)).toMatchObject(behind);
    await report(dataSource, await newestRevision(dataSource));
    expect(await told(dataSource)).toMatchObject({ isEverywhere: true, confirmedBy: 1 });
  });

  it('is above what the workers of a database have that was lost', async () => {
    const file = await saved();
    const connectionString = await freshDatabase();
    const database = await createDataSource({ connectionString, connectionLost: () => undefined }).initialize();
    ends.push(() => database.destroy());
    await migrate(database);
    await restore(database, file);
    await report(database, 500);
    await confirm(database);
    expect(await newestRevision(database)).toBe(501);
    expect(await told(database)).toMatchObject(behind);
  });

  it('is not taken anywhere by a worker that reports what cannot be', async () => {
    const { dataSource } = services;
    const before = await newestRevision(dataSource);
    await restore(dataSource, await saved());
    await report(dataSource, 2 ** 40);
    await confirm(dataSource);
    expect(await newestRevision(dataSource)).toBe(before + 1);
    expect(await told(dataSource)).toMatchObject(behind);
  });

  it('is not everywhere when the database went back by other means, either', async () => {
    const { dataSource } = services;
    await report(dataSource, 500);
    expect(await told(dataSource)).toMatchObject(behind);
  });

  it('is that of each row: what a client read before is not taken for it', async () => {
    const { agents, dataSource } = services;
    await agents.create(owner, { name: 'ci' });
    const file = await saved();
    await dataSource.query('UPDATE config_state SET revision = 499');
    const { revision } = await agents.update(owner, 'ci', { labels: { team: 'a' } });
    expect(revision).toBe(500);
    await restore(dataSource, file);
    await confirm(dataSource);
    const outdated = agents.update(owner, 'ci', { labels: { team: 'b' } }, { ifRevision: revision });
    await expect(outdated).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('the key terms of another instance that is replaced', () => {
  it('are all named as lost, whatever their numbers', async () => {
    const file = await saved();
    const other = await openServices(await freshDatabase(), { master });
    ends.push(() => other.close());
    expect((await restore(other.dataSource, file)).lostTerms).toEqual([1]);
  });
});
