import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { agentFacts } from '@onecli/shared/domain/agent-facts';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { unwrapTerm, wrapTerm } from '@onecli/shared/vault/wrapped-term';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { UserStore } from '../auth/users/user-store.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { writeBackup } from '../backup/write-backup.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { InstanceService } from '../instance/instance.service.ts';
import { guardedTables } from './guarded-rows.ts';
import { KeyRotation } from './key-rotation.ts';
import { markRowsWhenDue } from './mark-rows.ts';
import { rekey } from './rekey.ts';
import { RowGuard } from './row-guard.ts';

const patiently = { timeout: 30_000 };
let connectionString: string;
let master: MasterKey;
const ends: (() => Promise<void>)[] = [];

type Services = Awaited<ReturnType<typeof openServices>>;

async function controlPlane(key = master): Promise<Services & { readonly users: UserStore }> {
  const services = await openServices(connectionString, { master: key });
  ends.push(() => services.close());
  return { ...services, users: new UserStore(services.dataSource, services.keys.rows) };
}

/** A user as a release from before writes him. */
const oldInsert = async ({ dataSource }: Services, name: string) =>
  dataSource.query(
    `INSERT INTO user_account (id, name, password_hash, role, is_disabled) VALUES ($1, $2, 'x', 'auditor', false)`,
    [randomUUID(), name],
  );

/** What a release from before left: no MAC, and key terms without a mark. */
async function asBefore(services: Services): Promise<void> {
  for (const { table } of guardedTables) await services.dataSource.query(`UPDATE ${table} SET mac = NULL`);
  await unmark(services);
  await services.dataSource.query(`DELETE FROM instance_key WHERE purpose = 'row-mac'`);
}

/** Puts the key terms of before the mark back. */
async function unmark({ dataSource, keys }: Services): Promise<void> {
  const wrapping = createSecretKey(master.derive('key-wrapping', keys.instanceId));
  const rows = await dataSource.query<{ term: number; wrapped_key: Buffer }[]>('SELECT * FROM key_term');
  for (const { term, wrapped_key: wrapped } of rows) {
    const place = { instanceId: keys.instanceId, term };
    const { key, isMarked } = unwrapTerm(wrapping, place, wrapped);
    expect(isMarked).toBe(true);
    const unmarked = wrapTerm(wrapping, place, key, false);
    await dataSource.query('UPDATE key_term SET wrapped_key = $2 WHERE term = $1', [term, unmarked]);
  }
}

beforeEach(async () => {
  connectionString = await freshDatabase();
  master = MasterKey.fromHex(randomBytes(32).toString('hex'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const makeAda = ({ change, users }: Awaited<ReturnType<typeof controlPlane>>) =>
  change.changeConfig(owner, (tx) => {
    tx.audit('user:create', 'user', 'ada');
    return users.insert(tx, 'ada', everywhere('admin'));
  });

const isAltered = async ({ users }: { readonly users: UserStore }, name: string) => (await users.find(name))?.isAltered;

async function unprovenAgents({ source, keys }: Services): Promise<string[]> {
  const { agents } = await source.changesSince(undefined);
  return agents
    .filter((agent) => !keys.rows.believes({ table: 'agent', called: '', facts: agentFacts(agent) }, agent.mac ?? null))
    .map(({ name }) => name);
}

describe('an instance of a release from before', () => {
  it('is marked by its first start: its rows are believed as they are then, and one without a MAC is not any more', async () => {
    const first = await controlPlane();
    await first.agents.create(owner, { name: 'old-agent', labels: { team: 'a', environment: 'dev' } });
    await makeAda(first);
    await oldInsert(first, 'old');
    await asBefore(first);
    const next = await controlPlane();
    expect(next.keys.keyring.hasRowMacs).toBe(true);
    expect([await isAltered(next, 'old'), await isAltered(next, 'ada')]).toEqual([false, false]);
    expect(await unprovenAgents(next)).toEqual([]);
    await oldInsert(next, 'mallory');
    expect(await isAltered(next, 'mallory')).toBe(true);
    const after = await controlPlane();
    expect([await isAltered(after, 'old'), await isAltered(after, 'mallory')]).toEqual([false, true]);
  });

  it('is not said to be marked when the marks are not committed: neither by a start, nor later, nor by a restore', async () => {
    const first = await controlPlane();
    const { dataSource: database } = first;
    await asBefore(first);
    await database.query(
      `INSERT INTO control_plane (name, terms, is_master_key_current, seen_at) VALUES ('old', '{1}', true, now())`,
    );
    const { terms } = (await controlPlane()).keys;
    await database.query('DELETE FROM control_plane');
    const { instanceId } = terms.keyring;
    const file = await buffer(writeBackup(database, { instanceId, key: { master }, hasAudit: false }));
    await database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused''; END'`);
    await database.query(
      `CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON key_term DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    const said: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => said.push(line) });
    const rows = new RowGuard(randomBytes(32), terms.keyring, log);
    const later = () => markRowsWhenDue(database, { terms, rows, waits: false });
    const restoring = {
      file: Readable.from([file]),
      master,
      passphrase: undefined,
      destroyedFile: undefined,
      acceptsRevival: true,
      isReplacing: true,
      isConfirmed: false,
      log,
    };
    await expect(new InstanceService(database, log).open(master)).rejects.toThrow('refused');
    await expect(later()).rejects.toThrow('refused');
    await expect(restoreBackup(database, restoring)).rejects.toThrow('refused');
    expect(said).toEqual([]);
    await database.query('DROP TRIGGER refuse ON key_term');
    await later();
    expect(said).toEqual([expect.stringContaining('was given its MAC')]);
  });

  it('waits while a control plane of that release runs, believes what it writes, and is marked when it has ended', async () => {
    const first = await controlPlane();
    await asBefore(first);
    const report = `INSERT INTO control_plane (name, terms, is_master_key_current, seen_at) VALUES ('old', '{1}', true, now())
      ON CONFLICT (name) DO UPDATE SET seen_at = now()`;
    await first.dataSource.query(report);
    const next = await controlPlane();
    expect(next.keys.keyring.hasRowMacs).toBe(false);
    const { database, ...keys } = { database: next.dataSource, terms: next.keys.terms, rows: next.keys.rows };
    const rotation = new KeyRotation({ database, ...keys, name: 'next', log: pino({ level: 'silent' }) });
    ends.push(() => rotation.stop());
    rotation.start();
    await expect
      .poll(async () => database.query(`SELECT 1 FROM control_plane WHERE name = 'next' AND guards_rows`), patiently)
      .toHaveLength(1);
    await oldInsert(next, 'from-the-old-one');
    expect(await isAltered(next, 'from-the-old-one')).toBe(false);
    expect(next.keys.keyring.hasRowMacs).toBe(false);
    await database.query(`UPDATE control_plane SET seen_at = now() - interval '1 minute' WHERE name = 'old'`);
    await expect.poll(() => next.keys.keyring.hasRowMacs, patiently).toBe(true);
    expect(await isAltered(next, 'from-the-old-one')).toBe(false);
    await oldInsert(next, 'mallory');
    expect(await isAltered(next, 'mallory')).toBe(true);
  });
});

describe('the mark', () => {
  it('is put back by who knew it, and told, and nobody is believed by that who came in between', async () => {
    const first = await controlPlane();
    const { dataSource: database, keys } = first;
    const told: string[] = [];
    const log = pino({ level: 'error' }, { write: (line) => void told.push(line) });
    const rotation = new KeyRotation({ database, terms: keys.terms, rows: keys.rows, name: 'first', log });
    ends.push(() => rotation.stop());
    rotation.start();
    await oldInsert(first, 'mallory');
    await unmark(first);
    await expect.poll(() => keys.terms.isStoredMarked(database.manager), patiently).toBe(true);
    await expect.poll(() => told, patiently).toEqual([expect.stringContaining('it is put back')]);
    const next = await controlPlane();
    expect([next.keys.keyring.hasRowMacs, await isAltered(next, 'mallory')]).toEqual([true, true]);
    expect(await database.query("SELECT object_name FROM admin_event WHERE action = 'keys:mark'")).toEqual([
      { object_name: 'key terms' },
    ]);
  });

  it('outlives a new master key', async () => {
    const first = await controlPlane();
    await makeAda(first);
    const other = MasterKey.fromHex(randomBytes(32).toString('hex'));
    await rekey(first.dataSource, master, other);
    const next = await controlPlane(other);
    await oldInsert(next, 'mallory');
    expect([await isAltered(next, 'ada'), await isAltered(next, 'mallory')]).toEqual([false, true]);
  });

  it('is that of a new instance from the start', async () => {
    const first = await controlPlane();
    await oldInsert(first, 'mallory');
    expect([first.keys.keyring.hasRowMacs, await isAltered(first, 'mallory')]).toEqual([true, true]);
  });
});
