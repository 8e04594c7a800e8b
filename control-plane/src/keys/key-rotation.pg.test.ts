import { randomBytes } from 'node:crypto';
import { MemoryConfigBus } from '@onecli/shared/adapters/memory/config-bus';
import { createLogger } from '@onecli/shared/logger';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { termOf } from '@onecli/shared/vault/seal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { startLeader } from '../leadership/testing/start-leader.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { KeyRotation } from './key-rotation.ts';
import { readTerms } from './key-store.ts';
import { KeysService } from './keys.service.ts';
import { firstPlace, rewrapBatch } from './rewrap-batch.ts';
import { sealedColumns } from './sealed-columns.ts';

type Opened = Awaited<ReturnType<typeof openServices>>;
const patiently = { timeout: 40_000 };
const log = createLogger('test', 'silent');
let connectionString: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  connectionString = await freshDatabase();
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A control plane of the same instance, with its own keyring; `begin` makes it bring rotations on their way. */
async function controlPlane(name: string, master: MasterKey) {
  const services = await openServices(connectionString, { master, bus: new MemoryConfigBus() });
  ends.push(() => services.close());
  const rotation = new KeyRotation({
    database: services.dataSource,
    terms: services.keys.terms,
    rows: services.keys.rows,
    name,
    log,
  });
  ends.push(() => rotation.stop());
  const keysService = new KeysService(services.dataSource, services.change, services.keys.terms);
  return { ...services, rotation, keysService };
}

function begin(rotation: KeyRotation): void {
  rotation.start();
  const leader = startLeader(connectionString, [rotation]);
  ends.push(() => leader.stop());
}

const newMaster = () => MasterKey.fromHex(randomBytes(32).toString('hex'));
const binding = { hosts: ['api.example.com'], surfaces: ['header'] };

/** Something in every sealed column. */
async function fill({ secrets, agents, policies, routes, certificates }: Opened, count = 5): Promise<void> {
  for (let index = 0; index < count; index++)
    await secrets.create(owner, { name: `prod/s${index}`, value: `value-${index}`, binding });
  await agents.create(owner, { name: 'a', identities: [{ mtls: { commonName: 'a' } }] });
  await certificates.issue(owner, 'a', {});
  await policies.create(owner, { name: 'p', agents: ['a'], rules: [{ allow: { hosts: ['api.example.com'] } }] });
  await routes.create(owner, {
    name: 'r',
    secret: 'prod/s0',
    hosts: ['api.example.com'],
    inject: [{ header: { name: 'x-key', template: '{secret}' } }],
  });
}

async function sealedValues({ dataSource }: Opened): Promise<Buffer[]> {
  const values: Buffer[] = [];
  for (const { table, column } of sealedColumns) {
    const rows: { value: Buffer | null }[] = await dataSource.query(`SELECT ${column} AS value FROM ${table}`);
    for (const { value } of rows) if (value !== null) values.push(value);
  }
  return values;
}

const statesOf = async ({ dataSource }: Opened) => (await readTerms(dataSource.manager)).map(({ state }) => state);
const rotated = ['AUDIT_ONLY', 'SEALING'];

/** When the control plane last reported itself, in milliseconds. */
async function looksOf({ dataSource }: Opened): Promise<number> {
  const rows: { at: string }[] = await dataSource.query(
    'SELECT extract(epoch FROM max(seen_at)) * 1000 AS at FROM control_plane',
  );
  return Number(rows[0]?.at ?? 0);
}

describe('KeyRotation', () => {
  it('moves everything that is sealed to a new term, and retires the old one', async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane);
    const before = await sealedValues(plane);
    expect(new Set(before.map(termOf))).toEqual(new Set([1]));
    begin(plane.rotation);
    expect(await plane.keysService.rotate(owner)).toMatchObject({ change: 'CREATED' });
    await expect.poll(() => statesOf(plane), patiently).toEqual(rotated);
    const after = await sealedValues(plane);
    expect(after.length).toBe(before.length);
    expect(new Set(after.map(termOf))).toEqual(new Set([2]));
    expect((await plane.agents.get(owner, 'a')).identities).toHaveLength(1);
    await plane.secrets.put(owner, 'prod/s0', { binding: { ...binding, hosts: ['other.example.com'] } });
    const status = await plane.keysService.status(owner);
    expect(status).toMatchObject({ rotation: 'IDLE', sealingTerm: 2, total: before.length, current: before.length });
  });

  it('bumps no revision for values that are moved: workers open them as they are', async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane);
    const revision = await plane.source.revision();
    begin(plane.rotation);
    await plane.keysService.rotate(owner);
    await expect.poll(() => statesOf(plane), patiently).toEqual(rotated);
    expect(await plane.source.revision()).toBe(revision);
  });

  it('seals nothing with a term that a live process cannot open yet', async () => {
    const plane = await controlPlane('one', newMaster());
    const report = (terms: number[]) =>
      plane.source.heartbeat({
        name: 'w',
        bootId: 'b',
        version: '1',
        appliedRevision: 1,
        isMasterKeyCurrent: true,
        authorities: [],
        startedAtMs: 0,
        terms,
      });
    await report([1]);
    const keepAlive = setInterval(() => void report([1]), 500);
    ends.push(() => Promise.resolve(clearInterval(keepAlive)));
    begin(plane.rotation);
    await plane.keysService.rotate(owner);
    await plane.secrets.create(owner, { name: 'prod/meanwhile', value: 'v', binding });
    await expect.poll(() => plane.keys.keyring.terms, patiently).toEqual([1, 2]);
    // It looks once a second: it has had its chance to activate the term when it has looked twice more.
    await expect.poll(() => looksOf(plane), patiently).toBeGreaterThan((await looksOf(plane)) + 2_000);
    const status = await plane.keysService.status(owner);
    expect(status).toMatchObject({ rotation: 'WAITING', sealingTerm: 1 });
    expect(status.waitingFor).toContain('w');
    expect(await plane.keysService.rotate(owner)).toMatchObject({ change: 'UNCHANGED' });
    expect(new Set((await sealedValues(plane)).map(termOf))).toEqual(new Set([1]));
    clearInterval(keepAlive);
    await report([1, 2]);
    await expect.poll(() => statesOf(plane), patiently).toEqual(rotated);
  });

  it('lets a second control plane seal under the new term from the moment that it is active', async () => {
    const master = newMaster();
    const first = await controlPlane('one', master);
    const second = await controlPlane('two', master);
    begin(first.rotation);
    await first.keysService.rotate(owner);
    await expect.poll(() => statesOf(first), patiently).toEqual(rotated);
    await second.secrets.create(owner, { name: 'prod/late', value: 'v', binding });
    expect(new Set((await sealedValues(first)).map(termOf))).toEqual(new Set([2]));
  });

  it('leaves a value that does not open as it is, names it, and keeps its term until it is gone', async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane, 3);
    await plane.dataSource.query(
      `UPDATE secret_version SET sealed = set_byte(sealed, 80, get_byte(sealed, 80) # 1)
       WHERE secret_id = (SELECT id FROM secret WHERE name = 'prod/s1')`,
    );
    begin(plane.rotation);
    await plane.keysService.rotate(owner);
    const status = () => plane.keysService.status(owner);
    await expect.poll(async () => (await status()).rotation, patiently).toBe('BLOCKED');
    expect((await status()).unopenable).toEqual([expect.stringMatching(/^secret_version [0-9a-f-]{36} 1$/)]);
    expect(await statesOf(plane)).toEqual(['OPENING', 'SEALING']);
    await plane.secrets.remove(owner, 'prod/s1');
    for (const end of ends.splice(2)) await end();
    const next = new KeyRotation({
      database: plane.dataSource,
      terms: plane.keys.terms,
      rows: plane.keys.rows,
      name: 'next',
      log,
    });
    ends.push(() => next.stop());
    begin(next);
    await expect.poll(() => statesOf(plane), patiently).toEqual(rotated);
  });

  it('is told to be blocked however much is damaged, and not while something opens', async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane, 1);
    await plane.dataSource.query(
      `INSERT INTO secret_version (secret_id, version, sealed, fingerprint, created_at)
       SELECT secret_id, number, set_byte(sealed, 80, get_byte(sealed, 80) # 1), fingerprint, created_at
       FROM secret_version, generate_series(2, 2100) AS number`,
    );
    await plane.dataSource.query('UPDATE secret_version SET version = 3000 WHERE version = 1');
    const told = async () => {
      const { rotation, unopenable, damaged } = await plane.keysService.status(owner);
      return { rotation, named: unopenable.length, damaged: damaged.length };
    };
    await plane.keysService.rotate(owner);
    await plane.dataSource.query('UPDATE key_term SET activated_at = now()');
    await plane.keys.terms.refresh(plane.dataSource.manager);
    // None of the versions opens, one of which stands where another was; what other columns hold does.
    expect(await told()).toMatchObject({ rotation: 'MOVING', named: 20 });
    begin(plane.rotation);
    await expect.poll(told, patiently).toEqual({ rotation: 'BLOCKED', named: 20, damaged: 20 });
  });

  /** A plane in the middle of a rotation, whose second term seals. */
  const moving = async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane, 2);
    await plane.keysService.rotate(owner);
    await plane.dataSource.query('UPDATE key_term SET activated_at = now()');
    await plane.dataSource.query('UPDATE config_state SET key_generation = key_generation + 1');
    await plane.keys.terms.refresh(plane.dataSource.manager);
    return plane;
  };

  it('is not told to be blocked by a plane that lacks the term, which knows of no value whether it opens', async () => {
    const plane = await moving();
    plane.keys.keyring.forget([2]);
    expect(await plane.keysService.status(owner)).toMatchObject({ rotation: 'MOVING', unopenable: [], damaged: [] });
    await plane.dataSource.query(
      `UPDATE secret_version SET sealed = set_byte(sealed, 4, 77)
       WHERE secret_id = (SELECT id FROM secret WHERE name = 'prod/s1')`,
    );
    // Nobody has a term 77.
    const another = new KeysService(plane.dataSource, plane.change, plane.keys.terms);
    expect((await another.status(owner)).damaged).toEqual([expect.objectContaining({ secret: 'prod/s1' })]);
  });

  it('tries what does not open once for all who ask', async () => {
    const plane = await moving();
    await plane.dataSource.query('UPDATE secret_version SET sealed = set_byte(sealed, 80, get_byte(sealed, 80) # 1)');
    let tries = 0;
    const { keyring } = plane.keys;
    const keyOfTerm = keyring.keyOfTerm.bind(keyring);
    keyring.keyOfTerm = (term) => {
      tries++;
      return keyOfTerm(term);
    };
    const asked = [plane.keysService.status(owner), plane.keysService.status(owner)];
    for (const { unopenable } of await Promise.all(asked)) expect(unopenable).toHaveLength(2);
    const { object } = await plane.keysService.rotate(owner);
    expect([object.unopenable.length, tries]).toEqual([2, object.total - object.current]);
  });

  it('is told to be blocked by every control plane, with what ends it: a new value beside the damaged one does not', async () => {
    const master = newMaster();
    const [leading, other] = [await controlPlane('one', master), await controlPlane('two', master)];
    await fill(leading, 3);
    await leading.dataSource.query(
      `UPDATE secret_version SET sealed = set_byte(sealed, 80, get_byte(sealed, 80) # 1)
       WHERE secret_id = (SELECT id FROM secret WHERE name = 'prod/s1')`,
    );
    other.rotation.start();
    begin(leading.rotation);
    await other.keysService.rotate(owner);
    const told = async ({ keysService }: typeof other) => {
      const { rotation, unopenable, damaged } = await keysService.status(owner);
      return { rotation, count: unopenable.length, damaged };
    };
    const blocked = (isCurrent: boolean) => {
      return { rotation: 'BLOCKED', count: 1, damaged: [{ secret: 'prod/s1', version: 1, isCurrent }] };
    };
    for (const plane of [leading, other]) await expect.poll(() => told(plane), patiently).toEqual(blocked(true));
    await leading.secrets.put(owner, 'prod/s1', { value: 'anew' });
    for (const plane of [leading, other]) expect(await told(plane)).toEqual(blocked(false));
    await leading.secretVersions.destroy(owner, 'prod/s1', 1);
    expect((await other.keysService.status(owner)).damaged).toEqual([]);
    for (const end of ends.splice(4)) await end();
    const next = new KeyRotation({ database: leading.dataSource, ...leading.keys, name: 'next', log });
    ends.push(() => next.stop());
    begin(next);
    await expect.poll(() => statesOf(other), patiently).toEqual(rotated);
  });

  it('does not wait for a secret that is being changed, and takes it in the next pass', async () => {
    const plane = await controlPlane('one', newMaster());
    await fill(plane, 3);
    const { wrappedKey, term } = plane.keys.keyring.wrapNewTerm();
    await plane.dataSource.query('INSERT INTO key_term (term, wrapped_key) VALUES ($1, $2)', [term, wrappedKey]);
    await plane.dataSource.query('UPDATE config_state SET key_generation = key_generation + 1');
    await plane.keys.terms.refresh(plane.dataSource.manager);
    const [column] = sealedColumns;
    if (column === undefined) throw new Error('no column');
    const holder = plane.dataSource.createQueryRunner();
    await holder.startTransaction();
    await holder.query(`SELECT FROM secret WHERE name = 'prod/s1' FOR UPDATE`);
    const batch = () => rewrapBatch(plane.dataSource, plane.keys.keyring, column, firstPlace, 100);
    expect(await batch()).toMatchObject({ moved: 2, unopenable: 0 });
    await holder.commitTransaction();
    await holder.release();
    expect(await batch()).toMatchObject({ moved: 1 });
    expect(await batch()).toMatchObject({ moved: 0, next: undefined });
  });

  it('knows every sealed column of the schema', async () => {
    const { dataSource } = await controlPlane('one', newMaster());
    const rows: { place: string }[] = await dataSource.query(
      `SELECT table_name || '.' || column_name AS place FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE 'sealed%'
         AND table_name NOT LIKE 'audit_event_%' AND table_name NOT LIKE 'audit_block_%'`,
    );
    const known = sealedColumns.map(({ table, column }) => `${table}.${column}`);
    expect(new Set(rows.map(({ place }) => place))).toEqual(
      new Set([...known, 'audit_event.sealed_detail', 'audit_intent.sealed_line', 'audit_block.sealed_lines']),
    );
  });
});
