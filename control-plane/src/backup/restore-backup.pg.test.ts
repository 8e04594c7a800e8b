import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { open } from '@onecli/shared/vault/seal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { createDataSource } from '../database/data-source.ts';
import { migrate } from '../database/migrate.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { newestRevision } from '../workers/testing/following-workers.ts';
import { BackupService } from './backup.service.ts';
import { backupTables } from './backup-tables.ts';
import { DestroyedFile, readDestroyedFile } from './destroyed-list.ts';
import { restoreBackup, type RestoreOptions } from './restore-backup.ts';

const patiently = { timeout: 40_000 };
const ends: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-restore-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
const binding = { hosts: ['api.example.com'], surfaces: ['header'] };

async function instance(connectionString?: string) {
  const url = connectionString ?? (await freshDatabase());
  const services = await openServices(url, { master });
  ends.push(() => services.close());
  const backups = new BackupService(services.dataSource, services.change, services.keys, master);
  return { url, ...services, backups };
}
type Instance = Awaited<ReturnType<typeof instance>>;

async function emptyDatabase() {
  const database = createDataSource({ connectionString: await freshDatabase(), connectionLost: () => undefined });
  await database.initialize();
  ends.push(() => database.destroy());
  await migrate(database);
  return database;
}

async function backupOf({ backups }: Instance, input: object = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of await backups.create(owner, input)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* inPieces(file: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += 10_000) yield file.subarray(at, at + 10_000);
}

function options(file: Buffer, more: Partial<RestoreOptions> = {}): RestoreOptions {
  return {
    file: inPieces(file),
    master,
    passphrase: undefined,
    destroyedFile: undefined,
    acceptsRevival: false,
    isReplacing: false,
    isConfirmed: true,
    ...more,
  };
}

/** What workers would open of a secret, by version. */
async function valuesOf({ keys, source }: Instance, name: string): Promise<Record<number, string>> {
  const { secrets } = await source.changesSince(undefined);
  const secret = secrets.find((each) => each.name === name);
  if (secret === undefined) return {};
  const opened = [...secret.versions.values()].map(({ version, sealed }) => [
    version,
    open(keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed).toString('utf8'),
  ]);
  return Object.fromEntries(opened) as Record<number, string>;
}

async function fill({ secrets, agents, policies, certificates }: Instance): Promise<void> {
  await secrets.create(owner, { name: 'prod/a', value: 'value-a', description: 'two\nlines, "quoted" \\ é', binding });
  await secrets.create(owner, { name: 'prod/b', value: 'value-b1', binding });
  await secrets.put(owner, 'prod/b', { value: 'value-b2' });
  await agents.create(owner, { name: 'a', labels: { team: 'x' }, identities: [{ mtls: { commonName: 'a' } }] });
  await certificates.issue(owner, 'a', { days: 1 });
  await policies.create(owner, { name: 'p', agents: ['a'], rules: [{ allow: { hosts: ['api.example.com'] } }] });
}

async function everyRow({ dataSource }: Pick<Instance, 'dataSource'>): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const table of await backupTables(dataSource.manager, { hasAudit: false }))
    if (table !== 'config_state')
      rows[table] = await dataSource.query(
        `SELECT (to_jsonb(t) - 'unrecorded_until' - 'revision')::text FROM ${table} t ORDER BY 1`,
      );
  return rows;
}

describe('restoreBackup', () => {
  it('gives back every row as it was, in an empty database, above the revision of the backup', async () => {
    const lost = await instance();
    await fill(lost);
    const file = await backupOf(lost);
    const database = await emptyDatabase();
    const report = await restoreBackup(database, options(file, { acceptsRevival: true }));
    expect(report).toMatchObject({ keptDead: 0, disabled: [] });
    expect(await everyRow({ dataSource: database })).toEqual(await everyRow(lost));
    const [holders] = await database.query<{ days: number }[]>(
      'SELECT extract(day FROM unrecorded_until - now())::int AS days FROM client_authority',
    );
    // Who has a certificate since the backup is in no backup.
    expect(holders?.days).toBeGreaterThan(360);
    expect(report.header.revision).toBe(await lost.source.revision());
    expect(await newestRevision(database)).toBe(report.header.revision + 1);
    expect(file.toString('latin1')).not.toMatch(/value-a|prod\/a/);
  });

  it('is of one moment, although changes are made while it is written', async () => {
    const busy = await instance();
    await fill(busy);
    const pieces: Buffer[] = [];
    const before = await everyRow(busy);
    for await (const piece of await busy.backups.create(owner, {})) {
      pieces.push(piece);
      await busy.secrets.put(owner, 'prod/a', { value: `changed-${pieces.length}` });
    }
    const database = await emptyDatabase();
    await restoreBackup(database, options(Buffer.concat(pieces), { acceptsRevival: true }));
    expect(await everyRow({ dataSource: database })).toEqual(before);
  });

  it('changes nothing for a file that is altered, cut or under another key, nor in a database that is not empty', async () => {
    const lost = await instance();
    await fill(lost);
    const file = await backupOf(lost);
    const altered = Buffer.from(file);
    altered.writeUInt8(altered.readUInt8(file.length - 40) ^ 1, file.length - 40);
    const other = MasterKey.fromHex('ab'.repeat(32));
    const database = await emptyDatabase();
    const before = await everyRow({ dataSource: database });
    const bad: [Buffer, Partial<RestoreOptions>][] = [
      [altered, {}],
      [file.subarray(0, file.length - 100), {}],
      [Buffer.concat([file, Buffer.of(0)]), {}],
      [file, { master: other }],
    ];
    for (const [content, more] of bad) {
      const restoring = restoreBackup(database, options(content, { acceptsRevival: true, ...more }));
      await expect(restoring).rejects.toMatchObject({ code: 'CANNOT_OPEN' });
    }
    await expect(restoreBackup(database, options(file))).rejects.toThrow('--accept-revival');
    expect(await everyRow({ dataSource: database })).toEqual(before);
    await expect(restoreBackup(lost.dataSource, options(file))).rejects.toThrow('not empty');
  });

  it('keeps dead what was destroyed after the backup, in the same database', async () => {
    const kept = await instance();
    await fill(kept);
    await kept.secrets.create(owner, { name: 'prod/gone', value: 'must-not-come-back', binding });
    const file = await backupOf(kept);
    await kept.secrets.remove(owner, 'prod/gone');
    await kept.dataSource.query(
      `DELETE FROM secret_version WHERE version = 1 AND secret_id = (SELECT id FROM secret WHERE name = 'prod/b')`,
    );
    const report = await restoreBackup(kept.dataSource, options(file, { isReplacing: true }));
    expect(report).toMatchObject({ keptDead: 2, disabled: [] });
    expect(await valuesOf(kept, 'prod/gone')).toEqual({});
    expect(await valuesOf(kept, 'prod/b')).toEqual({ 2: 'value-b2' });
    await expect(kept.secrets.get(owner, 'prod/gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keeps dead by the list outside of the database, when that was lost; disables a secret whose current value is dead', async () => {
    const lost = await instance();
    await fill(lost);
    await lost.secrets.create(owner, { name: 'prod/gone', value: 'must-not-come-back', binding });
    const file = await backupOf(lost);
    const path = join(folder, 'destroyed.list');
    const log = { error: (fields: object) => expect(fields).toEqual({}) };
    const list = new DestroyedFile({ database: lost.dataSource, path, key: lost.keys.destroyedKey, log });
    list.start();
    await lost.secrets.remove(owner, 'prod/gone');
    await lost.dataSource.query(
      `DELETE FROM secret_version WHERE version = 2 AND secret_id = (SELECT id FROM secret WHERE name = 'prod/b')`,
    );
    const listed = () => {
      try {
        return readDestroyedFile(path, lost.keys.destroyedKey).length;
      } catch {
        return 0;
      }
    };
    await expect.poll(listed, patiently).toBe(2);
    await list.stop();
    const database = await emptyDatabase();
    const report = await restoreBackup(database, options(file, { destroyedFile: path }));
    expect(report).toMatchObject({ keptDead: 2, disabled: ['prod/b'] });
    const dump = JSON.stringify(await everyRow({ dataSource: database }));
    expect(dump).not.toContain('prod/gone');
  });

  it('takes no list of another instance', async () => {
    const lost = await instance();
    await fill(lost);
    const file = await backupOf(lost);
    const path = join(folder, 'other.list');
    const key = randomBytes(32);
    const list = new DestroyedFile({ database: lost.dataSource, path, key, log: { error: () => undefined } });
    list.start();
    await expect.poll(() => readDestroyedFile(path, key), patiently).toEqual([]);
    await list.stop();
    const restoring = restoreBackup(await emptyDatabase(), options(file, { destroyedFile: path }));
    await expect(restoring).rejects.toMatchObject({ code: 'CANNOT_OPEN' });
  });

  it('begins an epoch that workers wait with until somebody confirms it', async () => {
    const kept = await instance();
    await fill(kept);
    const file = await backupOf(kept);
    await restoreBackup(kept.dataSource, options(file, { isReplacing: true, isConfirmed: false }));
    const restored = await kept.source.position();
    expect(restored.epoch).toMatchObject({ isRestored: true, mac: undefined });
    await kept.backups.confirmRestore(owner);
    const confirmed = await kept.source.position();
    expect(confirmed.epoch).toMatchObject({ isRestored: false, mac: expect.any(Buffer) as Buffer });
    expect(confirmed.epoch.epoch).toBeGreaterThan(restored.epoch.epoch);
    expect(confirmed.revision).toBe(restored.revision);
  });

  it.each([true, false])(
    'is in the record that is here afterwards: which backup, of when, how much (audit: %s)',
    async (audit) => {
      const kept = await instance();
      await fill(kept);
      const file = await backupOf(kept, { audit });
      await kept.agents.create(owner, { name: 'later' });
      const revision = await kept.source.revision();
      const confirmed = { isReplacing: true, isConfirmed: false };
      const { header, rows } = await restoreBackup(kept.dataSource, options(file, confirmed));
      const events = await kept.dataSource.query<{ action: string }[]>(
        `SELECT principal, action, object_kind, object_name, is_in_trail, detail FROM admin_event
       WHERE action LIKE 'backup:%' OR object_name = 'later' ORDER BY at`,
      );
      expect(events.map(({ action }) => action)).toEqual(
        audit ? ['backup:create', 'backup:restore'] : ['backup:create', 'agent:create', 'backup:restore'],
      );
      const { instanceId, createdAt, revision: of } = header;
      expect(events.at(-1)).toEqual({
        principal: 'instance',
        action: 'backup:restore',
        object_kind: 'keys',
        object_name: 'restore',
        is_in_trail: false,
        detail: {
          backup: { instanceId, createdAt, revision: of, keyFrom: 'master-key', hasAudit: audit },
          replaced: { instanceId, revision },
          rows,
          returning: { users: 0, apiKeys: 0 },
          keptDead: 0,
          disabled: 0,
        },
      });
    },
  );

  it('is not for those who may only look', async () => {
    const { backups } = await instance();
    for (const role of ['auditor', 'operator', 'agent-manager'] as const) {
      const principal = { ...owner, assignments: everywhere(role) };
      await expect(backups.create(principal, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(backups.confirmRestore(principal)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  });
});
