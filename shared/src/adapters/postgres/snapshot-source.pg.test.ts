import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { PostgresSnapshotSource } from './snapshot-source.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** The tables that a worker reads, as the control plane's migration makes them, without what only writers need. */
const tables = `
  CREATE TABLE instance (id uuid, key_check bytea);
  CREATE TABLE key_term (term integer, wrapped_key bytea, activated_at timestamptz, retired_at timestamptz);
  CREATE TABLE instance_key (purpose text, wrapped_key bytea);
  CREATE TABLE config_state (revision bigint, key_generation bigint, epoch bigint, epoch_mac bytea, restored_at timestamptz);
  CREATE TABLE config_change (revision bigint, kind text, object_id uuid);
  CREATE TABLE secret (id uuid, name text, binding jsonb, is_disabled boolean, current_version integer,
    alias text, previous_alias text, previous_alias_until timestamptz, expires_at timestamptz, lease_seconds integer);
  CREATE TABLE secret_version (secret_id uuid, version integer, sealed bytea, is_pending boolean DEFAULT false);
  CREATE TABLE agent (id uuid, name text, labels jsonb, is_disabled boolean, sealed_identities bytea, mac bytea);
  CREATE TABLE agent_token (agent_id uuid, hash bytea, created_at timestamptz, expires_at timestamptz);
  CREATE TABLE policy (id uuid, name text, version integer, sealed_body bytea);
  CREATE TABLE route (id uuid, name text, version integer, sealed_body bytea);
  CREATE TABLE certificate_authority (id uuid, certificate_pem text, sealed_key bytea, is_active boolean,
    created_at timestamptz DEFAULT now());
  CREATE TABLE client_authority (id uuid, certificate_pem text, sealed_key bytea, is_active boolean,
    created_at timestamptz DEFAULT now());
  CREATE TABLE report (report jsonb, waits_for_disk text DEFAULT current_setting('synchronous_commit'));
  CREATE FUNCTION worker_heartbeat(given jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO report (report) VALUES (given)';
  INSERT INTO config_state VALUES (0, 0, 0);`;

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

async function openStore(options: { maxGap?: number } = {}) {
  const connectionString = await freshDatabase();
  const client = new Client({ connectionString });
  await client.connect();
  const source = new PostgresSnapshotSource({ connectionString, ...options });
  ends.push(
    () => source.close(),
    () => client.end(),
  );
  /** Changes one object in a revision of its own. */
  const change = async (kind: string, number: number, sql: string) => {
    await client.query('BEGIN');
    await client.query(sql.replaceAll(':id', `'${idOf(number)}'`));
    await client.query('UPDATE config_state SET revision = revision + 1');
    await client.query('INSERT INTO config_change SELECT revision, $1, $2 FROM config_state', [kind, idOf(number)]);
    await client.query('COMMIT');
  };
  return { client, source, change };
}

async function openStoreWithTables(options: { maxGap?: number } = {}) {
  const store = await openStore(options);
  await store.client.query(tables);
  await store.client.query("INSERT INTO instance VALUES ($1, '\\x01')", [idOf(99)]);
  return store;
}

const ofWorkers = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onecli-worker'";
const cutWorkers = `SELECT pg_terminate_backend(pid) ${ofWorkers}`;

/** Gives how many workers wait for a lock, and calls `what` for each. */
async function waiting(client: Client, what = 'pid'): Promise<number | undefined> {
  // Within a transaction the view would stay as it was first seen.
  await client.query('SELECT pg_stat_clear_snapshot()');
  const sql = `SELECT count(${what})::int AS count ${ofWorkers} AND wait_event_type = 'Lock'`;
  return (await client.query<{ count: number }>(sql)).rows[0]?.count;
}

const agent = (name: string) => `INSERT INTO agent VALUES (:id, '${name}', '{}', false, NULL)`;

describe('PostgresSnapshotSource', () => {
  it('reads every kind of row as a record', async () => {
    const { source, change } = await openStoreWithTables();
    const binding = { hosts: ['api.example.com'], surfaces: ['header'] };
    await change(
      'secret',
      1,
      `INSERT INTO secret VALUES (:id, 'prod/openai', '${JSON.stringify(binding)}', false, 2, 'sk-x')`,
    );
    await change('secret', 1, String.raw`INSERT INTO secret_version VALUES (:id, 1, '\x0a'), (:id, 2, '\x0b')`);
    await change('agent', 2, `INSERT INTO agent VALUES (:id, 'my-agent', '{"team":"finance"}', true, '\\x0f')`);
    await change('agent', 2, String.raw`INSERT INTO agent_token VALUES (:id, '\xabcd', now(), '2030-01-01T00:00:00Z')`);
    await change('policy', 3, String.raw`INSERT INTO policy VALUES (:id, 'finance', 4, '\x0c')`);
    await change('route', 5, String.raw`INSERT INTO route VALUES (:id, 'telegram', 2, '\x0e')`);
    await change('authority', 4, String.raw`INSERT INTO certificate_authority VALUES (:id, 'PEM', '\x0d', true)`);
    await change('authority', 6, String.raw`INSERT INTO certificate_authority VALUES (:id, 'NEXT', '\x10', false)`);
    await change('authority', 5, String.raw`INSERT INTO client_authority VALUES (:id, 'CLIENTS', '\x0e', true)`);
    const versions = new Map([
      [1, { id: idOf(1), version: 1, sealed: Buffer.of(10) }],
      [2, { id: idOf(1), version: 2, sealed: Buffer.of(11) }],
    ]);
    const tokens = [{ hash: 'abcd', expiresAtMs: Date.UTC(2030, 0, 1) }];
    const rows = {
      revision: 9,
      epoch: { instanceId: idOf(99), epoch: 0, mac: undefined, isRestored: false },
      keys: { generation: 0, keyCheck: Buffer.of(1), terms: [] },
      secrets: [
        { id: idOf(1), name: 'prod/openai', alias: 'sk-x', binding, isDisabled: false, currentVersion: 2, versions },
      ],
      agents: [
        {
          id: idOf(2),
          name: 'my-agent',
          labels: { team: 'finance' },
          isDisabled: true,
          tokens,
          sealedIdentities: Buffer.of(15),
        },
      ],
      policies: [{ id: idOf(3), name: 'finance', version: 4, sealedBody: Buffer.of(12) }],
      routes: [{ id: idOf(5), name: 'telegram', version: 2, sealedBody: Buffer.of(14) }],
      authority: { id: idOf(4), certificatePem: 'PEM', sealedKey: Buffer.of(13) },
      otherAuthorities: [{ id: idOf(6), certificatePem: 'NEXT', sealedKey: Buffer.of(16) }],
      clientAuthorities: [{ id: idOf(5), certificatePem: 'CLIENTS', sealedKey: Buffer.of(14) }],
      removedIds: [],
    };
    expect(await source.changesSince(undefined)).toEqual({ ...rows, isWhole: true });
    expect(await source.changesSince(0)).toEqual({ ...rows, isWhole: false });
  });

  it('reads only what changed after a revision, and names what is gone', async () => {
    const { source, change } = await openStoreWithTables();
    await change('agent', 1, agent('stays'));
    await change('agent', 2, agent('goes'));
    await change('agent', 3, agent('comes'));
    await change('agent', 2, 'DELETE FROM agent WHERE id = :id');
    const changes = await source.changesSince(2);
    expect(changes).toMatchObject({ revision: 4, isWhole: false, removedIds: [idOf(2)], authority: undefined });
    expect(changes.agents.map(({ name }) => name)).toEqual(['comes']);
    expect(await source.changesSince(4)).toMatchObject({ revision: 4, isWhole: false, agents: [], removedIds: [] });
  });

  it('reads all when the gap is too large', async () => {
    const { source, change } = await openStoreWithTables({ maxGap: 2 });
    for (const number of [1, 2, 3]) await change('agent', number, agent(`agent-${number}`));
    expect(await source.changesSince(1)).toMatchObject({
      isWhole: false,
      agents: [{ name: 'agent-2' }, { name: 'agent-3' }],
    });
    expect((await source.changesSince(0)).isWhole).toBe(true);
  });

  it('reads all when a change record is missing, rather than miss a change', async () => {
    const { client, source, change } = await openStoreWithTables();
    for (const number of [1, 2, 3]) await change('agent', number, agent(`agent-${number}`));
    await client.query('DELETE FROM config_change WHERE revision = 2');
    expect(await source.changesSince(1)).toMatchObject({ isWhole: true, revision: 3 });
  });

  it('reads all, of the earlier revision, when the database went back', async () => {
    const { source, change } = await openStoreWithTables();
    await change('agent', 1, agent('restored'));
    expect(await source.changesSince(9)).toMatchObject({ isWhole: true, revision: 1, agents: [{ name: 'restored' }] });
  });

  it('gives an agent whose token was taken away no token', async () => {
    const { source, change } = await openStoreWithTables();
    await change('agent', 1, agent('bare'));
    expect((await source.changesSince(undefined)).agents).toMatchObject([
      { name: 'bare', tokens: [], sealedIdentities: undefined },
    ]);
  });

  it('throws while there is no schema, and while there is no instance', async () => {
    const { client, source } = await openStore();
    await expect(source.revision()).rejects.toThrow();
    await expect(source.changesSince(undefined)).rejects.toThrow();
    await client.query(tables);
    expect(await source.revision()).toBe(0);
    await expect(source.instance()).rejects.toThrow('no instance');
  });

  it('gives the key terms that configuration needs, with what is not sealed with yet, beside the rows of the same moment', async () => {
    const { client, source } = await openStoreWithTables();
    await client.query(
      `INSERT INTO key_term VALUES (1, '\\x01', now(), now()), (2, '\\x02', now(), NULL), (3, '\\x03', NULL, NULL)`,
    );
    await client.query('UPDATE config_state SET key_generation = 7');
    const keys = {
      generation: 7,
      keyCheck: Buffer.of(1),
      terms: [
        { term: 2, wrappedKey: Buffer.of(2), isActive: true },
        { term: 3, wrappedKey: Buffer.of(3), isActive: false },
      ],
    };
    expect((await source.changesSince(undefined)).keys).toEqual(keys);
    await expect(source.instance()).rejects.toThrow('no keys');
    await client.query(`INSERT INTO instance_key VALUES ('bus-mac', '\\x04')`);
    const instanceKeys = [{ purpose: 'bus-mac', wrappedKey: Buffer.of(4) }];
    expect(await source.instance()).toMatchObject({ keys, instanceKeys });
    expect(await source.position()).toMatchObject({ revision: 0, keyGeneration: 7 });
  });

  it('reads on after its connections were cut', async () => {
    const { client, source, change } = await openStoreWithTables();
    await change('agent', 1, agent('before'));
    await source.changesSince(undefined);
    await client.query(cutWorkers);
    await expect.poll(() => source.revision().catch(() => 'away'), patiently).toBe(1);
  });

  it('throws, and goes on, when its connection is cut in the middle of reading', async () => {
    const { client, source, change } = await openStoreWithTables();
    await change('agent', 1, agent('before'));
    await client.query('BEGIN');
    await client.query('LOCK TABLE policy IN ACCESS EXCLUSIVE MODE');
    const reading = source.changesSince(undefined).then(
      () => 'read',
      () => 'threw',
    );
    await expect.poll(() => waiting(client, 'pg_terminate_backend(pid)'), patiently).toBe(1);
    expect(await reading).toBe('threw');
    await client.query('COMMIT');
    expect(await source.changesSince(undefined)).toMatchObject({ revision: 1 });
  });

  it('reports by the one function that writes, load and all', async () => {
    const { client, source } = await openStoreWithTables();
    const report = {
      name: 'worker-1',
      bootId: 'a',
      version: '0.1.0',
      appliedRevision: 3,
      terms: [1, 2],
      isMasterKeyCurrent: true,
      authorities: [idOf(7), idOf(8)],
      startedAtMs: Date.UTC(2026, 0, 1),
    };
    const load = { connections: 1, requestsPerSecond: 2.5, cpuShare: 0.5, memoryBytes: 3, spoolBytes: undefined };
    await source.heartbeat({ ...report, load });
    const { rows } = await client.query('SELECT report FROM report');
    expect(rows).toEqual([{ report: { ...report, ...JSON.parse(JSON.stringify(load)) } }]);
  });

  it('waits for the disk of the server with its first report by a connection, by which it is known, and with no other', async () => {
    const { client, source } = await openStoreWithTables();
    const lasting = { isMasterKeyCurrent: true, authorities: [], startedAtMs: 0, terms: [] };
    const report = { name: 'worker-1', bootId: 'a', version: '0.1.0', appliedRevision: 3, ...lasting };
    for (let times = 0; times < 3; times += 1) await source.heartbeat(report);
    await client.query(cutWorkers);
    const taken = () => source.heartbeat(report).then(() => true);
    await expect.poll(() => taken().catch(() => false), patiently).toBe(true);
    await source.heartbeat(report);
    const { rows } = await client.query<{ waits_for_disk: string }>('SELECT waits_for_disk FROM report');
    expect(rows.map((row) => row.waits_for_disk)).toEqual(['on', 'off', 'off', 'on', 'off']);
  });

  it.each([
    ['all', undefined],
    ['a change', 1],
  ])('reads %s as of one moment, be more changed between two of its reads', async (_what, since) => {
    const { client, source, change } = await openStoreWithTables();
    await change('agent', 1, agent('old'));
    await change('policy', 2, String.raw`INSERT INTO policy VALUES (:id, 'old', 1, '\x0c')`);
    await change('agent', 1, "UPDATE agent SET labels = '{}' WHERE id = :id");
    await change('secret', 3, "INSERT INTO secret VALUES (:id, 'prod/one', '{}', false, 1)");
    await client.query('BEGIN');
    // The state and the keys are read by now, and these not yet.
    await client.query('LOCK TABLE secret IN ACCESS EXCLUSIVE MODE');
    const reading = source.changesSince(since);
    await expect.poll(() => waiting(client), patiently).toBe(1);
    await client.query("UPDATE agent SET name = 'new'");
    await client.query("UPDATE policy SET name = 'new'");
    await client.query('UPDATE config_state SET revision = 5');
    await client.query("INSERT INTO config_change VALUES (5, 'agent', $1), (5, 'policy', $2)", [idOf(1), idOf(2)]);
    await client.query('COMMIT');
    expect(await reading).toMatchObject({ revision: 4, agents: [{ name: 'old' }], policies: [{ name: 'old' }] });
    const after = { revision: 5, isWhole: false, agents: [{ name: 'new' }], policies: [{ name: 'new' }] };
    expect(await source.changesSince(4)).toMatchObject(after);
  });

  it('reads what changed of the next moment the next time, by the same connection', async () => {
    const { client, source, change } = await openStoreWithTables();
    await change('agent', 1, agent('first'));
    await change('agent', 2, agent('second'));
    // More often than the server plans a prepared statement anew for each call.
    for (let revision = 2; revision < 12; revision += 1) {
      const now = `n-${revision}`;
      await change('agent', 1, `UPDATE agent SET name = '${now}' WHERE id = :id`);
      const [seen, again] = await Promise.all([source.changesSince(revision), source.changesSince(revision - 1)]);
      expect([seen.revision, seen.agents.map(({ name }) => name), seen.isWhole]).toEqual([revision + 1, [now], false]);
      expect(again.agents.find(({ id }) => id === idOf(1))?.name).toBe(now);
    }
    const { rows } = await client.query(`SELECT count(*)::int AS open ${ofWorkers}`);
    expect(rows[0]?.open).toBeLessThanOrEqual(2);
  });
});
