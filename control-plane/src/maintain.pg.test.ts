import { execFile } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { unwrapTerm, wrapTerm } from '@onecli/shared/vault/wrapped-term';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/support/fresh-database.ts';
import { createDataSource } from './database/data-source.ts';
import { openServices, owner } from './database/testing/open-services.ts';
import { DestroyedFile } from './backup/destroyed-list.ts';
import { writeBackup } from './backup/write-backup.ts';
import { readInstance } from './instance/instance.service.ts';

const cli = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const [from, to] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const warning = 'warning: every row that decides who somebody is was given its MAC';
let folder: string;
let databaseUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-maintain-'));
  writeFileSync(join(folder, 'new.key'), `${to}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'bad.key'), 'not a key\n', { mode: 0o600 });
  databaseUrl = await freshDatabase();
  const services = await openServices(databaseUrl, { master: MasterKey.fromHex(from) });
  await services.secrets.create(owner, { name: 'prod/a', value: 'v' });
  await services.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command line as an operator of a cluster runs it. */
function onecli(
  args: readonly string[],
  key: string,
  more: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, DATABASE_URL: databaseUrl, ONECLI_MASTER_KEY: key, ...more };
  const all = ['--conditions=source', '--import', 'tsx', cli, ...args];
  return new Promise((resolve) =>
    execFile(process.execPath, all, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    ),
  );
}

function rekey(keyFile: string, key: string): Promise<{ code: number; output: string }> {
  return onecli(['keys', 'rekey', '--new-key-file', join(folder, keyFile)], key);
}

async function opens(key: string): Promise<boolean> {
  try {
    await (await openServices(databaseUrl, { master: MasterKey.fromHex(key) })).close();
    return true;
  } catch {
    return false;
  }
}

describe('the command that makes database roles for workers', { timeout: 120_000 }, () => {
  it('makes several in one call, each for its one worker, and takes what is of one for one alone', async () => {
    const prefix = `w_${randomBytes(4).toString('hex')}`;
    const roles = [prefix, `${prefix}_1=worker-1`, `${prefix}_2=worker-2`];
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const both = await onecli(['database', 'worker-role', ...roles, '--worker', 'worker-3'], from);
      expect([both.code, both.output]).toEqual([2, expect.stringContaining('name that one alone')]);
      const made = await onecli(['database', 'worker-role', ...roles], from);
      expect(made).toMatchObject({ code: 0, output: expect.stringContaining(`Give worker-2 a DATABASE_URL`) });
      const { rows } = await client.query('SELECT name, worker FROM worker_role ORDER BY name');
      const bound = ['worker-1', 'worker-2'].map((worker, index) => ({ name: `${prefix}_${index + 1}`, worker }));
      expect(rows).toEqual([{ name: prefix, worker: null }, ...bound]);
    } finally {
      const { rows } = await client.query<{ rolname: string }>(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE $1 || '%'",
        [prefix],
      );
      for (const { rolname } of rows) await client.query(`DROP OWNED BY ${rolname}; DROP ROLE ${rolname}`);
      await client.end();
    }
  });

  it('takes the worker of a role once, rather than one of two names', async () => {
    const role = `w_${randomBytes(4).toString('hex')}`;
    const both = await onecli(['database', 'worker-role', `${role}=worker-1`, '--worker', 'worker-2'], from);
    const fault = `${role}=worker-1: it names the role's worker, and so does --worker worker-2`;
    expect([both.code, both.output]).toEqual([2, expect.stringContaining(fault)]);
  });
});

/** Takes the mark that all rows have MACs from the key terms, as terms of before it are without. */
async function unmark(): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; wrapped_key: Buffer }>(
      'SELECT id, wrapped_key FROM instance, key_term',
    );
    for (const { id: instanceId, wrapped_key: wrapped } of rows) {
      const wrapping = createSecretKey(MasterKey.fromHex(from).derive('key-wrapping', instanceId));
      const place = { instanceId, term: 1 };
      const unmarked = wrapTerm(wrapping, place, unwrapTerm(wrapping, place, wrapped).key, false);
      await client.query('UPDATE key_term SET wrapped_key = $1', [unmarked]);
    }
  } finally {
    await client.end();
  }
}

/** A backup of the database as it is, its key terms without the mark. */
async function save(path: string): Promise<void> {
  const database = await createDataSource({
    connectionString: databaseUrl,
    connectionLost: () => undefined,
  }).initialize();
  try {
    const instanceId = (await readInstance(database.manager))?.id ?? '';
    const key = { master: MasterKey.fromHex(from) };
    const pieces: Buffer[] = [];
    for await (const piece of writeBackup(database, { instanceId, key, hasAudit: false })) pieces.push(piece);
    writeFileSync(path, Buffer.concat(pieces));
  } finally {
    await database.destroy();
  }
}

describe('a command that gives rows their MACs', { timeout: 120_000 }, () => {
  it('says so: the one that makes roles, and the one that restores', async () => {
    const path = join(folder, 'old.backup');
    await unmark();
    await save(path);
    expect((await onecli(['database', 'worker-role', 'No role'], from)).output).toContain(warning);
    expect((await onecli(['database', 'worker-role', 'No role'], from)).output).not.toContain(warning);
    expect((await onecli(['restore', path, '--replace'], from)).output).toContain(warning);
  });
});

/** Destroys a secret under the eyes of what keeps the list, and has the database forget it, as one that was put back by other means. */
async function destroyAndForget(name: string, list: string): Promise<void> {
  const services = await openServices(databaseUrl, { master: MasterKey.fromHex(from) });
  const { dataSource: database, keys, secrets } = services;
  const kept = new DestroyedFile({ database, path: list, key: keys.destroyedKey, log: { error: () => undefined } });
  try {
    await secrets.remove(owner, name);
    kept.start();
    await expect.poll(() => existsSync(list), { timeout: 20_000 }).toBe(true);
    await kept.stop();
    await database.query('DELETE FROM destroyed_value');
  } finally {
    await kept.stop();
    await services.close();
  }
}

describe('the command that restores into the database of a cluster', { timeout: 120_000 }, () => {
  it('leaves out what the list of ONECLI_DESTROYED_FILE names, and asks for one that is not there', async () => {
    const [path, list] = [join(folder, 'whole.backup'), join(folder, 'destroyed.list')];
    const services = await openServices(databaseUrl, { master: MasterKey.fromHex(from) });
    await services.secrets.create(owner, { name: 'prod/gone', value: 'must-not-come-back' });
    await services.close();
    await save(path);
    await destroyAndForget('prod/gone', list);
    const restore = (file: string, ...more: string[]) =>
      onecli(['restore', path, '--replace', ...more], from, { ONECLI_DESTROYED_FILE: file });
    const lost = await restore(join(folder, 'nowhere.list'));
    expect([lost.code, lost.output]).toEqual([2, expect.stringContaining('ONECLI_DESTROYED_FILE: ')]);
    const done = await restore(list);
    expect([done.code, done.output]).toEqual([
      0,
      expect.stringContaining('1 values that were destroyed since stay destroyed'),
    ]);
    const named = await restore(join(folder, 'nowhere.list'), '--destroyed', list);
    expect([named.code, named.output]).toEqual([0, expect.stringContaining('stay destroyed')]);
    expect(await restore(join(folder, 'nowhere.list'), '--accept-revival')).toMatchObject({ code: 0 });
  });
});

describe('the command that replaces the master key of a database', { timeout: 120_000 }, () => {
  it('does nothing with a file that holds none, or under a key that is not the one in force', async () => {
    const bad = await rekey('bad.key', from);
    expect([bad.code, bad.output]).toEqual([2, expect.stringContaining('64 hexadecimal digits')]);
    const wrong = await rekey('new.key', randomBytes(32).toString('hex'));
    expect(wrong.code).toBe(1);
    expect(await opens(from)).toBe(true);
    for (const { output } of [bad, wrong]) for (const key of [from, to]) expect(output).not.toContain(key);
  });

  it('replaces it, once, and is safe to run again', async () => {
    await unmark();
    const done = await rekey('new.key', from);
    expect(done.output).toContain(warning);
    expect([done.code, done.output]).toEqual([0, expect.stringContaining('the master key is replaced')]);
    expect([await opens(from), await opens(to)]).toEqual([false, true]);
    const again = await rekey('new.key', from);
    expect([again.code, again.output]).toEqual([0, expect.stringContaining('in place already')]);
    for (const key of [from, to]) expect(done.output + again.output).not.toContain(key);
  });
});
