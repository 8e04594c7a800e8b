import { randomBytes, randomUUID } from 'node:crypto';
import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import { createLogger } from '@onecli/shared/logger';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { SecretValue } from '@onecli/shared/secret-value';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { open } from '@onecli/shared/vault/seal';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { serve, type Served } from '../api/testing/serve.ts';
import { DetailOpener, sealDetails } from '../audit/detail-seal.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, fromPage, makeKey, makeUser, passwordOf, signIn } from '../auth/testing/people.ts';
import { setUpAdmin } from '../auth/users/set-up-admin.ts';
import { UserStore } from '../auth/users/user-store.ts';
import { ChangeConfig } from '../configuration/change-config.ts';
import { anybody, openServices, owner } from '../database/testing/open-services.ts';
import { KeyRotation } from '../keys/key-rotation.ts';
import { KeysService } from '../keys/keys.service.ts';
import { readTerms } from '../keys/key-store.ts';
import { startLeader } from '../leadership/testing/start-leader.ts';
import { restoreBackup, type RestoreOptions } from './restore-backup.ts';
import { writeBackup } from './write-backup.ts';

const patiently = { timeout: 40_000 };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const binding = { hosts: ['api.example.com'], surfaces: ['header'] };
type Opened = Awaited<ReturnType<typeof openServices>>;

async function instance() {
  const master = MasterKey.fromHex(randomBytes(32).toString('hex'));
  const url = await freshDatabase();
  const services = await openServices(url, { master });
  ends.push(() => services.close());
  return { ...services, url, master };
}
type Instance = Awaited<ReturnType<typeof instance>>;

async function backupOf(
  database: Opened['dataSource'],
  { instanceId, master }: { readonly instanceId: string; readonly master: MasterKey },
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of writeBackup(database, { instanceId, key: { master }, hasAudit: false })) pieces.push(piece);
  return Buffer.concat(pieces);
}

const saved = ({ dataSource, keys, master }: Instance) => backupOf(dataSource, { instanceId: keys.instanceId, master });

async function* inOnePiece(file: Buffer): AsyncGenerator<Buffer> {
  yield file;
}

function restore(
  database: Opened['dataSource'],
  file: Buffer,
  { master, isConfirmed = true }: { readonly master: MasterKey; readonly isConfirmed?: boolean },
) {
  const options: RestoreOptions = {
    file: inOnePiece(file),
    master,
    passphrase: undefined,
    destroyedFile: undefined,
    acceptsRevival: false,
    isReplacing: true,
    isConfirmed,
  };
  return restoreBackup(database, options);
}

/** What workers would open of a secret, by version. */
async function valuesOf({ keys, source }: Instance, name: string) {
  const { secrets } = await source.changesSince(undefined);
  const secret = secrets.find((each) => each.name === name);
  if (secret === undefined) return undefined;
  const values = [...secret.versions.values()].map(({ version, sealed }) => [
    version,
    open(keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed).toString('utf8'),
  ]);
  return { current: secret.currentVersion, values: Object.fromEntries(values) as Record<number, string> };
}

describe('numbers of versions after a restore', () => {
  it('are never given out again, so that the next restore leaves the living value alone', async () => {
    const kept = await instance();
    await kept.secrets.create(owner, { name: 'prod/k', value: 'first', binding });
    const early = await saved(kept);
    await kept.secrets.put(owner, 'prod/k', { value: 'leaked' });
    await kept.secrets.put(owner, 'prod/k', { value: 'third' });
    await kept.secretVersions.destroy(owner, 'prod/k', 2);
    await restore(kept.dataSource, early, kept);
    await kept.secrets.put(owner, 'prod/k', { value: 'fresh' });
    const living = { current: 4, values: { 1: 'first', 4: 'fresh' } };
    expect(await valuesOf(kept, 'prod/k')).toEqual(living);
    const report = await restore(kept.dataSource, await saved(kept), kept);
    expect(report).toMatchObject({ keptDead: 0, disabled: [] });
    expect(await valuesOf(kept, 'prod/k')).toEqual(living);
  });

  it('stay taken by what was destroyed, in a database that knows nothing else of them', async () => {
    const kept = await instance();
    await kept.secrets.create(owner, { name: 'prod/k', value: 'first', binding });
    await kept.dataSource.query(
      "INSERT INTO destroyed_value (secret_id, version) SELECT id, 2 FROM secret WHERE name = 'prod/k'",
    );
    await kept.secrets.put(owner, 'prod/k', { value: 'fresh' });
    expect(await valuesOf(kept, 'prod/k')).toMatchObject({ current: 3 });
  });
});

describe('who was removed before a restore', () => {
  const master = MasterKey.fromHex('5a'.repeat(32));
  const statusOf = async (api: Served, headers: Record<string, string>) =>
    (await callAs(api, headers, 'GET', '/api/me')).status;

  /** A removed owner with a key, a revoked key of the admin's, an owner whose password changed; and a backup from before. */
  async function removedPeople() {
    const api = await serve(await freshDatabase());
    ends.push(() => api.stop());
    for (const name of ['mallory', 'changed', 'staying']) await makeUser(api, name, everywhere('owner'));
    const headers = {
      stolen: await makeKey(api, fromPage(api, await signIn(api, 'mallory')), { name: 'stolen' }),
      leaked: await makeKey(api, fromPage(api, await signIn(api, 'staying')), { name: 'leaked-ci' }),
      good: await makeKey(api, fromPage(api, await signIn(api, 'staying')), { name: 'good-ci' }),
      session: fromPage(api, await signIn(api, 'staying')),
    };
    const invited = await api.call('POST', '/api/users', { name: 'invited', roles: everywhere('owner') });
    const { token } = invited.json as { token: string };
    const file = await backupOf(api.database, { instanceId: api.keys.instanceId, master });
    for (const path of ['api-keys/leaked-ci', 'users/mallory', 'users/invited'])
      expect((await api.call('DELETE', `/api/${path}`)).status).toBeLessThan(300);
    await api.database.query("UPDATE user_account SET password_hash = password_hash || 'x' WHERE name = 'changed'");
    return { api, headers, file, token };
  }

  it('is not let in by it: neither by a password, nor by a key, a link or a session, until it is confirmed', async () => {
    const { api, headers, file, token } = await removedPeople();
    const { stolen, leaked, good, session } = headers;
    const report = await restore(api.database, file, { master, isConfirmed: false });
    expect(report.returning).toEqual({ users: ['changed', 'invited', 'mallory'], apiKeys: ['leaked-ci', 'stolen'] });
    for (const lost of [stolen, leaked, session]) expect(await statusOf(api, lost)).toBe(401);
    expect((await callAs(api, stolen, 'POST', '/api/restore/confirm', {})).status).toBe(401);
    for (const name of ['mallory', 'changed']) await expect(signIn(api, name)).rejects.toThrow('is not signed in');
    const byLink = await callAs(api, {}, 'POST', '/api/password', { token, password: passwordOf('invited') });
    expect(byLink.status).toBe(401);
    // Once more, and they are held as before.
    expect((await restore(api.database, file, { master, isConfirmed: false })).returning).toEqual(report.returning);
    expect(await statusOf(api, stolen)).toBe(401);
    // Who was there as he is in the backup takes away what must not be, and confirms.
    expect(await statusOf(api, good)).toBe(200);
    expect((await callAs(api, good, 'DELETE', '/api/users/mallory')).status).toBeLessThan(300);
    expect((await callAs(api, good, 'POST', '/api/restore/confirm', {})).status).toBe(200);
    expect([await statusOf(api, stolen), await statusOf(api, leaked)]).toEqual([401, 200]);
    await signIn(api, 'changed');
  });

  it('is let in at once by one that is confirmed at once, and told', async () => {
    const { api, headers, file } = await removedPeople();
    const { returning } = await restore(api.database, file, { master, isConfirmed: true });
    expect(returning.users).toContain('mallory');
    expect(await statusOf(api, headers.stolen)).toBe(200);
  });

  it('does not keep the configured admin out after a disaster: nobody was known, and he is set up', async () => {
    const { api, file } = await removedPeople();
    await api.database.query('TRUNCATE user_account, api_key CASCADE');
    const { returning } = await restore(api.database, file, { master, isConfirmed: false });
    expect(returning.users).toContain('admin');
    await expect(signIn(api, 'admin', 'correct horse battery')).rejects.toThrow('is not signed in');
    const warnings = { warn: () => undefined };
    const change = new ChangeConfig(api.database, new MemoryConfigBus(), warnings, api.keys.terms, anybody);
    const password = SecretValue.of('correct horse battery');
    await setUpAdmin(new UserStore(api.database, api.keys.rows), change, { name: 'admin', password });
    const admin = fromPage(api, await signIn(api, 'admin', 'correct horse battery'));
    await expect(signIn(api, 'staying')).rejects.toThrow('is not signed in');
    expect((await callAs(api, admin, 'POST', '/api/restore/confirm', {})).status).toBe(200);
    await signIn(api, 'staying');
  });
});

describe('key terms of audit events that stay', () => {
  it('outlast a restore of the configuration, and their numbers are not given to other keys', async () => {
    const kept = await instance();
    const { keyring, terms } = kept.keys;
    await kept.secrets.create(owner, { name: 'prod/k', value: 'v1', binding });
    const early = await saved(kept);
    const log = createLogger('test', 'silent');
    const rotation = new KeyRotation({ database: kept.dataSource, terms, rows: kept.keys.rows, name: 'one', log });
    const service = new KeysService(kept.dataSource, kept.change, terms);
    rotation.start();
    const leader = startLeader(kept.url, [rotation]);
    await service.rotate(owner);
    await expect.poll(async () => (await service.status(owner)).sealingTerm, patiently).toBe(2);
    await rotation.stop();
    await leader.stop();
    const eventId = randomUUID();
    const [sealed] = sealDetails(keyring, [{ eventId, text: '{"path":"/x"}' }]);
    const opened = () => new DetailOpener(keyring).open(eventId, Buffer.from(sealed ?? '', 'hex'));
    const before = opened();
    await restore(kept.dataSource, early, kept);
    await terms.refresh(kept.dataSource.manager);
    expect(opened()).toEqual(before);
    const states = (await readTerms(kept.dataSource.manager)).map(({ term, state }) => [term, state]);
    expect(states).toEqual([
      [1, 'SEALING'],
      [2, 'AUDIT_ONLY'],
    ]);
    // It goes with its last event; its number does not come back.
    await kept.dataSource.query('DELETE FROM key_term WHERE term = 2');
    await kept.dataSource.query('UPDATE config_state SET key_generation = key_generation + 1');
    await service.rotate(owner);
    expect((await readTerms(kept.dataSource.manager)).map(({ term }) => term)).toEqual([1, 3]);
  });
});
