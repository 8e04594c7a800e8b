import { Client, Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { readFewChanges } from './few-changes.ts';
import { readAgents } from './snapshot-rows.ts';
import { PostgresSnapshotSource } from './snapshot-source.ts';

const tables = `
  CREATE TABLE instance (id uuid, key_check bytea);
  CREATE TABLE key_term (term integer, wrapped_key bytea, activated_at timestamptz, retired_at timestamptz);
  CREATE TABLE config_state (revision bigint, key_generation bigint, epoch bigint, epoch_mac bytea, restored_at timestamptz);
  CREATE TABLE config_change (revision bigint, kind text, object_id uuid);
  CREATE TABLE agent (id uuid, name text, labels jsonb, is_disabled boolean, sealed_identities bytea, mac bytea);
  CREATE TABLE agent_token (agent_id uuid, hash bytea, created_at timestamptz, expires_at timestamptz);
  CREATE TABLE policy (id uuid, name text, version integer, sealed_body bytea);
  CREATE TABLE route (id uuid, name text, version integer, sealed_body bytea);
  INSERT INTO config_state VALUES (0, 5, 2, '\\x0e', NULL);
  INSERT INTO key_term VALUES (1, '\\x0a', now(), NULL), (2, '\\x0b', NULL, NULL), (0, '\\x09', now(), now());`;

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

let connectionString: string;
let client: Client;
let pool: Pool;

beforeEach(async () => {
  connectionString = await freshDatabase();
  client = new Client({ connectionString });
  await client.connect();
  await client.query(tables);
  await client.query("INSERT INTO instance VALUES ($1, '\\x01')", [idOf(99)]);
  pool = new Pool({ connectionString, application_name: 'onecli-worker', max: 2, pipeline: true });
});

afterEach(async () => {
  await pool.end();
  await client.end();
});

/** Changes objects of a kind in a revision of its own. */
async function change(kind: string, numbers: readonly number[], sql = ''): Promise<void> {
  const changed = `INSERT INTO config_change SELECT revision, '${kind}', id FROM config_state, unnest($1::uuid[]) AS t(id)`;
  await client.query('BEGIN');
  if (sql !== '') await client.query(sql);
  await client.query('UPDATE config_state SET revision = revision + 1');
  await client.query(changed, [numbers.map(idOf)]);
  await client.query('COMMIT');
}

const policy = (number: number) => `INSERT INTO policy VALUES ('${idOf(number)}', 'p-${number}', 1, '\\x0c0d')`;

const bytesOf = (length: number) => `decode(repeat('ab', ${length}), 'hex')`;
const waiting = `SELECT pid FROM pg_locks WHERE NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe('readFewChanges', () => {
  it('gives policies and routes that changed, those that are gone, and the keys, as the whole reading does', async () => {
    await change('policy', [1], policy(1));
    await change('policy', [2], policy(2));
    await change('route', [3], `INSERT INTO route VALUES ('${idOf(3)}', 'r', 4, '\\xff')`);
    await change('policy', [2], `DELETE FROM policy WHERE id = '${idOf(2)}'`);
    expect(await readFewChanges(pool, 0, 1000)).toEqual({
      revision: 4,
      epoch: { instanceId: idOf(99), epoch: 2, mac: Buffer.of(14), isRestored: false },
      keys: {
        generation: 5,
        keyCheck: Buffer.of(1),
        terms: [
          { term: 1, wrappedKey: Buffer.of(10), isActive: true },
          { term: 2, wrappedKey: Buffer.of(11), isActive: false },
        ],
      },
      isWhole: false,
      secrets: [],
      agents: [],
      policies: [{ id: idOf(1), name: 'p-1', version: 1, sealedBody: Buffer.of(12, 13) }],
      routes: [{ id: idOf(3), name: 'r', version: 4, sealedBody: Buffer.of(255) }],
      authority: undefined,
      otherAuthorities: undefined,
      clientAuthorities: undefined,
      removedIds: [idOf(2)],
    });
    expect(await readFewChanges(pool, 2, 1000)).toMatchObject({ policies: [], removedIds: [idOf(2)] });
  });

  it('gives agents that changed with their tokens and identities, as the reading by a transaction does', async () => {
    const labels = { team: 'finance', quote: '"\\' };
    const values = `('${idOf(1)}', 'a', '${JSON.stringify(labels)}', true, '\\x0f'), ('${idOf(2)}', 'b', '{}', false, NULL)`;
    await change('agent', [1, 2, 3], `INSERT INTO agent VALUES ${values}`);
    const tokens = `('${idOf(1)}', '\\xabcd', now(), '2030-01-01T00:00:00.9876Z'), ('${idOf(1)}', '\\xef01', now(), NULL)`;
    await change('agent', [1], `INSERT INTO agent_token VALUES ${tokens}`);
    const few = await readFewChanges(pool, 0, 1000);
    expect(few?.removedIds).toEqual([idOf(3)]);
    const one = few?.agents.find(({ id }) => id === idOf(1));
    expect(one).toMatchObject({ name: 'a', labels, isDisabled: true, sealedIdentities: Buffer.of(15) });
    expect(one?.tokens).toEqual([
      { hash: 'abcd', expiresAtMs: Date.UTC(2030, 0, 1, 0, 0, 0, 987) },
      { hash: 'ef01', expiresAtMs: undefined },
    ]);
    const session = await pool.connect();
    const byTransaction = await readAgents(session, [idOf(1), idOf(2)]);
    session.release();
    expect(few?.agents).toHaveLength(2);
    expect(few?.agents).toEqual(expect.arrayContaining(byTransaction));
  });

  it.each(['secret', 'authority', 'something newer'])('leaves a change of a %s to others', async (kind) => {
    await change('policy', [1], policy(1));
    await change(kind, [2]);
    expect(await readFewChanges(pool, 1, 1000)).toBeUndefined();
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
  });

  it('leaves to others what cannot be told: a revision without its record, one before, the same, and too long a way', async () => {
    for (let number = 1; number <= 3; number += 1) await change('policy', [number], policy(number));
    expect((await readFewChanges(pool, 1, 2))?.policies).toHaveLength(2);
    expect(await readFewChanges(pool, 0, 2)).toBeUndefined();
    expect(await readFewChanges(pool, 3, 1000)).toBeUndefined();
    expect(await readFewChanges(pool, 7, 1000)).toBeUndefined();
    await client.query('DELETE FROM config_change WHERE revision = 2');
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
    expect(await readFewChanges(pool, 1, 1000)).toBeUndefined();
  });

  it('leaves more than a hundred objects to others, in one revision or in many', async () => {
    const numbers = Array.from({ length: 101 }, (_none, number) => number + 1);
    await change('policy', numbers, numbers.slice(0, 100).map(policy).join(';'));
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
    await change('policy', numbers.slice(0, 100));
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
    expect((await readFewChanges(pool, 1, 1000))?.policies).toHaveLength(100);
  });

  const most = 1_048_576;
  const labelsLength = JSON.stringify({}).length;
  it.each([
    ['a policy', `INSERT INTO policy VALUES ('${idOf(1)}', 'p', 1, ${bytesOf(most)})`, 'policy'],
    ['a route', `INSERT INTO route VALUES ('${idOf(1)}', 'r', 1, ${bytesOf(most)})`, 'route'],
    [
      "an agent's identities",
      `INSERT INTO agent VALUES ('${idOf(1)}', 'a', '{}', false, ${bytesOf(most - labelsLength)})`,
      'agent',
    ],
  ])('leaves more than a megabyte to others, and asks for none of it: %s and a byte', async (_of, sql, kind) => {
    await change(kind, [1], sql);
    expect(await readFewChanges(pool, 0, 1000)).toMatchObject({ revision: 1, removedIds: [] });
    await change('route', [2], `INSERT INTO route VALUES ('${idOf(2)}', 'more', 1, '\\x00')`);
    const query = vi.spyOn(pool, 'query');
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
    const answer: unknown = await query.mock.results[0]?.value;
    expect(answer).toMatchObject({ rows: [{ fits: false, agents: null, policies: null, routes: null }] });
    expect((await readFewChanges(pool, 1, 1000))?.routes).toHaveLength(1);
  });

  it('leaves an agent with thousands of tokens to others', async () => {
    await change('agent', [1], `INSERT INTO agent VALUES ('${idOf(1)}', 'a', '{}', false, NULL)`);
    const tokens = (count: number) =>
      `INSERT INTO agent_token SELECT '${idOf(1)}', sha256(n::text::bytea), now(), NULL FROM generate_series(1, ${count}) n`;
    await change('agent', [1], tokens(8_000));
    expect((await readFewChanges(pool, 0, 1000))?.agents[0]?.tokens).toHaveLength(8_000);
    await change('agent', [1], tokens(200));
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
  });

  it('leaves to others what PostgreSQL refuses, which a transaction reads', async () => {
    await change('policy', [1], policy(1));
    await client.query('DROP TABLE agent_token');
    expect(await readFewChanges(pool, 0, 1000)).toBeUndefined();
    const source = new PostgresSnapshotSource({ connectionString });
    expect(await source.changesSince(0)).toMatchObject({ revision: 1, isWhole: false, policies: [{ name: 'p-1' }] });
    await source.close();
  });

  it.each([
    ['pg_cancel_backend', '57014'],
    ['pg_terminate_backend', '57P01'],
  ])('tells that it was ended, and nobody asks more of the server: %s', async (end, code) => {
    pool.on('connect', (connected) => connected.on('error', () => undefined));
    pool.on('error', () => undefined);
    await change('policy', [1], policy(1));
    await client.query('BEGIN');
    await client.query('LOCK TABLE policy IN ACCESS EXCLUSIVE MODE');
    const reading = readFewChanges(pool, 0, 1000);
    const ended = expect(reading).rejects.toMatchObject({ code });
    await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 40_000 }).toBe(1);
    await client.query(`SELECT ${end}(pid) FROM (${waiting}) w`);
    await ended;
    await client.query('ROLLBACK');
  });

  it('is planned once by a connection, and not for each change again', async () => {
    await change('policy', [1], policy(1));
    await client.query(`
      INSERT INTO agent SELECT gen_random_uuid(), 'a-' || n, '{}', false, NULL FROM generate_series(1, 2000) n;
      INSERT INTO agent_token SELECT id, sha256(name::bytea), now(), NULL FROM agent;
      INSERT INTO config_change SELECT -1, 'agent', id FROM agent;
      CREATE INDEX ON config_change (revision);
      CREATE INDEX ON agent (id);
      CREATE INDEX ON agent_token (agent_id);
      ANALYZE`);
    const one = new Pool({ connectionString, max: 1 });
    for (let time = 0; time < 7; time += 1) await readFewChanges(one, 0, 1000);
    const plans = "SELECT generic_plans::int AS kept FROM pg_prepared_statements WHERE name = 'few changes'";
    expect((await one.query(plans)).rows).toEqual([{ kept: 2 }]);
    await one.end();
  });

  it('sees one moment, be a policy and the revision changed while it waits for them', async () => {
    await change('policy', [1], policy(1));
    await client.query('BEGIN');
    await client.query('LOCK TABLE policy IN ACCESS EXCLUSIVE MODE');
    const reading = readFewChanges(pool, 0, 1000);
    await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 40_000 }).toBe(1);
    await client.query("UPDATE policy SET name = 'new'");
    await client.query('UPDATE config_state SET revision = 2');
    await client.query("INSERT INTO config_change VALUES (2, 'policy', $1)", [idOf(1)]);
    await client.query('COMMIT');
    const { revision, policies } = (await reading) ?? {};
    expect([revision, policies?.[0]?.name]).toEqual(revision === 1 ? [1, 'p-1'] : [2, 'new']);
  });
});
