import { randomUUID } from 'node:crypto';
import { PostgresConfigBus } from '@onecli/shared/adapters/postgres/config-bus';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import type { ConfigBus } from '@onecli/shared/ports/config-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { anybody, openServices, owner } from '../database/testing/open-services.ts';
import { ChangeConfig, type ConfigTransaction } from './change-config.ts';

/** Conditions are waited for, however busy the machine is. */
const patiently = { timeout: 40_000 };

type Services = Awaited<ReturnType<typeof openServices>>;
let connectionString: string;
let services: Services;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  connectionString = await freshDatabase();
  services = await openServices(connectionString);
  ends.push(() => services.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function insertAgent(tx: ConfigTransaction, name: string): Promise<string> {
  const id = randomUUID();
  await tx.manager.query(
    "INSERT INTO agent (id, name, labels, created_at, updated_at) VALUES ($1, $2, '{}', now(), now())",
    [id, name],
  );
  tx.changed('agent', id, 'upsert');
  tx.audit('agent:create', 'agent', name);
  return id;
}

/** Waits until so many backends of this database wait for a lock. */
async function waitingForLocks(count: number): Promise<void> {
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await expect.poll(() => services.dataSource.query(waiting), patiently).toEqual([{ count }]);
}

describe('ChangeConfig', () => {
  it('never lets a reader see a later revision before an earlier one', async () => {
    const { change, source, dataSource } = services;
    const start = await source.revision();
    // Who holds this table stops the first writer after it has taken its number and before it commits.
    const blocker = dataSource.createQueryRunner();
    await blocker.startTransaction();
    await blocker.query('LOCK TABLE admin_event IN EXCLUSIVE MODE');
    const first = change.changeConfig(owner, (tx) => insertAgent(tx, 'first'));
    await waitingForLocks(1);
    const second = change.changeConfig(owner, (tx) => insertAgent(tx, 'second'));
    await waitingForLocks(2);
    // Nothing but the lock for changes holds the second writer: a reader sees neither yet.
    expect(await source.changesSince(start)).toMatchObject({ revision: start, agents: [] });
    await blocker.commitTransaction();
    await blocker.release();
    expect([(await first).revision, (await second).revision]).toEqual([start + 1, start + 2]);
    const { agents } = await source.changesSince(start);
    expect(agents.map((agent) => agent.name)).toEqual(['first', 'second']);
  });

  it('gives a reader who follows every change of many concurrent writers, each once and in order', async () => {
    const { change, source } = services;
    const start = await source.revision();
    const writers = 40;
    const seen: string[] = [];
    let at = start;
    const follow = async () => {
      while (at < start + writers) {
        const changes = await source.changesSince(at);
        expect(changes.isWhole).toBe(false);
        expect(changes.agents).toHaveLength(changes.revision - at);
        seen.push(...changes.agents.map((agent) => agent.name));
        at = changes.revision;
      }
    };
    const names = Array.from({ length: writers }, (_, index) => `agent-${index}`);
    await Promise.all([follow(), ...names.map((name) => change.changeConfig(owner, (tx) => insertAgent(tx, name)))]);
    expect(seen.toSorted()).toEqual(names.toSorted());
  });

  it('undoes rows, revision and records together when the work fails', async () => {
    const { change, source, dataSource } = services;
    const start = await source.revision();
    const failing = change.changeConfig(owner, async (tx) => {
      await insertAgent(tx, 'half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await source.changesSince(undefined)).toMatchObject({ revision: start, agents: [] });
    expect(await dataSource.query('SELECT * FROM admin_event')).toEqual([]);
    expect(await dataSource.query('SELECT * FROM config_change WHERE revision > $1', [start])).toEqual([]);
  });

  it('commits no change that has no admin event, whatever made it', async () => {
    const { change, agents, source, dataSource } = services;
    const { object, revision } = await agents.create(owner, { name: 'quiet' });
    const failing = change.changeConfig(owner, async (tx) => {
      await tx.manager.query('UPDATE agent SET is_disabled = true WHERE id = $1', [object.id]);
      tx.changed('agent', object.id, 'upsert');
    });
    await expect(failing).rejects.toThrow(/agent .* has no admin event/);
    expect(await source.revision()).toBe(revision);
    expect(await agents.get(owner, 'quiet')).toMatchObject({ isDisabled: false });
    expect(await dataSource.query('SELECT 1 FROM config_change WHERE revision > $1', [revision])).toEqual([]);
  });

  it('keeps the revision, and announces nothing, when nothing changed', async () => {
    const heard: number[] = [];
    const leaving = new AbortController();
    const listening = services.bus.listen((revision) => heard.push(revision), leaving.signal);
    const before = await services.source.revision();
    const { revision, result } = await services.change.changeConfig(owner, async () => 'nothing');
    leaving.abort();
    await listening;
    expect({ revision, result, heard }).toEqual({ revision: before, result: 'nothing', heard: [] });
  });

  it('records who changed what, in the same revision', async () => {
    const { revision } = await services.agents.create(owner, { name: 'my-agent' });
    expect(
      await services.dataSource.query('SELECT principal, action, object_kind, object_name, revision FROM admin_event'),
    ).toEqual([
      {
        principal: 'user:admin',
        action: 'agent:create',
        object_kind: 'agent',
        object_name: 'my-agent',
        revision: String(revision),
      },
    ]);
  });

  it('announces the revision after its commit, so that whoever hears of it finds it', async () => {
    const { keys, dataSource } = services;
    const listenerBus = new PostgresConfigBus({ connectionString, key: keys.busKey });
    const bus = new PostgresConfigBus({ connectionString, key: keys.busKey });
    ends.push(
      () => listenerBus.close(),
      () => bus.close(),
    );
    const found: Promise<[number, number]>[] = [];
    const leaving = new AbortController();
    const listening = listenerBus.listen((heard) => {
      if (heard > 0) found.push(services.source.revision().then((revision) => [heard, revision]));
    }, leaving.signal);
    const listeners = `SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
    await expect.poll(() => dataSource.query(listeners), patiently).toEqual([{ count: 1 }]);
    const change = new ChangeConfig(dataSource, bus, { warn: () => undefined }, keys.terms, anybody);
    for (const name of ['a', 'b', 'c']) await change.changeConfig(owner, (tx) => insertAgent(tx, name));
    await expect.poll(() => found.length, patiently).toBe(3);
    leaving.abort();
    await listening;
    for (const [heard, revision] of await Promise.all(found)) expect(revision).toBeGreaterThanOrEqual(heard);
  });

  it('succeeds when the bus is away: the change is found by looking', async () => {
    const away: ConfigBus = {
      announce: () => Promise.reject(new Error('the bus is away')),
      listen: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const { master } = services;
    const other = await openServices(connectionString, { master, bus: away });
    ends.push(() => other.close());
    const worker = new PostgresSnapshotSource({ connectionString });
    ends.push(() => worker.close());
    const before = await worker.revision();
    const { revision } = await other.agents.create(owner, { name: 'unheard' });
    expect(other.warnings).toEqual(['the revision could not be announced; workers will find it by looking']);
    expect(await worker.revision()).toBe(revision);
    expect((await worker.changesSince(before)).agents.map((agent) => agent.name)).toEqual(['unheard']);
  });

  it('answers when the bus hangs: nobody who writes waits for it', async () => {
    const hanging: ConfigBus = {
      announce: () => new Promise<void>(() => undefined),
      listen: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const { master } = services;
    const other = await openServices(connectionString, { master, bus: hanging });
    ends.push(() => other.close());
    const { revision } = await other.agents.create(owner, { name: 'written-while-it-hangs' });
    const worker = new PostgresSnapshotSource({ connectionString });
    ends.push(() => worker.close());
    expect(await worker.revision()).toBe(revision);
  });
});
