import { setTimeout as pause } from 'node:timers/promises';
import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { TrafficRollup } from '../traffic/traffic-rollup.ts';
import { hasFailed } from './audit-conditions.ts';
import { AuditStore } from './audit-store.ts';
import { GoneWorkers } from './gone-workers.ts';
import { OpenIntents } from './open-intents.ts';
import { batchesOf, ended, openTrailStore, type Row, rowsOf, type Spec, worker } from './testing/runs.ts';
import { lockRun, type TrailStore } from './trail-store.ts';

let api: Served;
let trail: TrailStore;
const faults: string[] = [];
beforeAll(async () => {
  api = await serve(await freshDatabase());
  trail = openTrailStore(api, [], faults);
});
afterAll(() => api.stop());

let boots = 0;
let boot = '';
beforeEach(async () => {
  boot = `boot${boots++}`;
  faults.length = 0;
  await api.database.query('DELETE FROM audit_intent');
});

const hourMs = 3_600_000;
/** All that these runs tell is older than a day. */
const batches = (...specs: Spec[][][]): TrailBatch[] => batchesOf(api, boot, Date.now() - 30 * hourMs, specs);
const silent = (hours: number) =>
  api.database.query(`UPDATE audit_boot SET updated_at = now() - make_interval(hours => $2) WHERE boot = $1`, [
    boot,
    hours,
  ]);
const look = async () => {
  const { database, keys } = api;
  const store = new AuditStore(database, keys.keyring);
  const gone = new GoneWorkers({ database, store, intents: new OpenIntents(keys.keyring) });
  await gone.look(new AbortController().signal);
};
const byId = async (of = boot): Promise<Row[]> =>
  (await rowsOf(api.database, of)).toSorted((one, other) => (one.id < other.id ? -1 : 1));
const intents = (sql: string) => api.database.query(`SELECT sequence FROM audit_intent WHERE boot = $1 ${sql}`, [boot]);
/** What the verification of the whole trail finds of this run. */
const found = async () => {
  const { json } = await api.call('POST', '/api/audit/trail/verify', {});
  return (json as { faults: { id: string }[] }).faults.filter(({ id }) => id?.includes(boot));
};

/** Counts for charts until nothing is left: it waits for transactions of other databases. Gives what is counted, and what the list comes to. */
const counted = async (): Promise<{ charts: unknown; list: unknown }> => {
  const left = 'SELECT FROM audit_event WHERE written_by >= (SELECT written_by FROM traffic_place) LIMIT 1';
  const rollup = new TrafficRollup(api.database);
  do await rollup.look(new AbortController().signal);
  while ((await api.database.query<unknown[]>(left)).length > 0);
  const charts = await api.database.query<unknown[]>(
    `SELECT sum(count)::int AS count, sum(failures)::int AS failures, count(*)::int AS rows FROM traffic WHERE grain = 3600 AND kind = 'all'`,
  );
  const list = await api.database.query<unknown[]>(
    `SELECT count(*)::int AS count, count(*) FILTER (WHERE ${hasFailed})::int AS failures,
       count(DISTINCT (date_trunc('hour', time), decision, latency_ms))::int AS rows FROM audit_event`,
  );
  return { charts: charts[0], list: list[0] };
};

describe('of a worker that is gone for a day', () => {
  it('counts a request once in charts: as what took the place of the interruption, counted before or not', async () => {
    for (const isCountedBefore of [true, false]) {
      boot = `boot${boots++}`;
      // Where no interruption is left, no row of none is left in the counts either.
      const ends: Spec[] = isCountedBefore
        ? [
            ['outcome', 0],
            ['outcome', 1],
          ]
        : [['outcome', 0]];
      const [one, two] = batches([[['intent'], ['intent']]], [ends]) as [TrailBatch, TrailBatch];
      await trail.take(one);
      // Ahead of the silence: the control plane looks by itself as well.
      const before = await counted();
      await silent(25);
      await look();
      if (isCountedBefore) {
        const interrupted = await counted();
        expect(interrupted.charts).toEqual(interrupted.list);
        expect(interrupted.charts).not.toEqual(before.charts);
      }
      await trail.take(two);
      const { charts, list } = await counted();
      expect(charts).toEqual(list);
      expect(charts).not.toEqual(before.charts);
    }
  });

  it('shows what was under way as interrupted, once, and not before; what ends after all takes its place', async () => {
    const [one, two] = batches(
      [[['intent'], ['intent']]],
      [
        [
          ['further', 0],
          ['outcome', 0],
        ],
      ],
    ) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(23);
    await look();
    expect(await byId()).toEqual([]);
    await silent(25);
    await look();
    await look();
    const interrupted = { reason: 'INTERRUPTED', status: 0, secrets: ['prod/openai@1'] };
    expect(await byId()).toEqual([
      { id: `w1-${boot}-0`, ...interrupted },
      { id: `w1-${boot}-1`, ...interrupted },
    ]);
    await trail.take(two);
    expect(await byId()).toMatchObject([
      { id: `w1-${boot}-0`, reason: 'ALLOWED', status: 200 },
      { id: `w1-${boot}-1`, ...interrupted },
    ]);
    await trail.take(ended(two));
    expect(await byId()).toMatchObject([{ reason: 'ALLOWED' }, { id: `w1-${boot}-1`, ...interrupted }]);
    expect(await intents('')).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('is sound to who verifies, before its end comes and after', async () => {
    const [one, two] = batches([[['intent']]], [[['outcome', 0]]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(25);
    await look();
    expect(await byId()).toMatchObject([{ reason: 'INTERRUPTED' }]);
    expect(await found()).toEqual([]);
    await trail.take(two);
    expect(await found()).toEqual([]);
  });

  it('has a request open again that takes a further secret after all, and shows both when it is gone again', async () => {
    const [one, two, three] = batches([[['intent']]], [[['further', 0]]], [[['outcome', 0]]]) as [
      TrailBatch,
      TrailBatch,
      TrailBatch,
    ];
    await trail.take(one);
    await silent(25);
    await look();
    await trail.take(two);
    expect(await found()).toEqual([]);
    expect(await byId()).toEqual([]);
    await silent(25);
    await look();
    expect(await byId()).toMatchObject([
      { id: `w1-${boot}-0`, reason: 'INTERRUPTED', secrets: ['prod/openai@1', 'prod/further@2'] },
    ]);
    expect(await intents('AND closed_at IS NULL')).toEqual([]);
    expect(await found()).toEqual([]);
    await trail.take(three);
    expect(await byId()).toMatchObject([{ id: `w1-${boot}-0`, reason: 'ALLOWED', status: 200 }]);
    expect(await intents('')).toEqual([]);
    expect(await found()).toEqual([]);
  });

  it('touches no day but that of the request when its end comes after all', async () => {
    const [one, two] = batches([[['intent']]], [[['outcome', 0]]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(25);
    await look();
    const [last] = await api.database.query<{ name: string }[]>(
      "SELECT max(inhrelid::regclass::text) AS name FROM pg_inherits WHERE inhparent = 'audit_event'::regclass AND inhrelid::regclass::text ~ '[0-9]$'",
    );
    const holder = api.database.createQueryRunner();
    try {
      await holder.query('BEGIN');
      await holder.query(`LOCK TABLE ${last?.name} IN ACCESS EXCLUSIVE MODE`);
      const taken = trail.take(two).then(() => 'taken');
      const first = await Promise.race([taken, pause(30_000, 'waits', { ref: false })]);
      await holder.query('ROLLBACK');
      await taken;
      expect(first).toBe('taken');
    } finally {
      await holder.release();
    }
    expect(await byId()).toMatchObject([{ reason: 'ALLOWED' }]);
  });

  it('closes each run, although lines of others were altered, and says that', async () => {
    const runs: string[] = [];
    for (let at = 0; at < 4; at++) {
      const [one] = batches([[['intent']]]) as [TrailBatch];
      await trail.take(one);
      await silent(25);
      runs.push(boot);
      boot = `boot${boots++}`;
    }
    const sound = runs.pop() ?? '';
    await api.database.query("UPDATE audit_intent SET sealed_line = '\\x00' WHERE boot = ANY ($1)", [runs]);
    await expect(look()).rejects.toThrow('3 runs');
    expect(await byId(sound)).toMatchObject([{ reason: 'INTERRUPTED' }]);
  });

  it('closes nothing of which something came while it waited', async () => {
    const [one, two] = batches([[['intent']]], [[['lone']]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(25);
    const looked = await api.database.transaction(async (manager) => {
      await lockRun(manager, { worker, boot });
      const looking = look();
      // It has chosen the run, and waits for it.
      const waiting = () =>
        api.database.query<unknown[]>(
          "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
      await expect.poll(async () => (await waiting()).length, { timeout: 20_000 }).toBe(1);
      await manager.query('UPDATE audit_boot SET updated_at = now() WHERE boot = $1', [boot]);
      return { end: () => looking };
    });
    await looked.end();
    expect(await byId()).toEqual([]);
    await trail.take(two);
    expect(await byId()).toMatchObject([{ id: `w1-${boot}-1` }]);
  });

  it('waits for a count of charts under way before it takes an interruption out of them', async () => {
    const [one, two] = batches([[['intent']]], [[['outcome', 0]]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(25);
    await look();
    const first = await api.database.transaction(async (manager) => {
      await manager.query('SELECT FROM traffic_place FOR UPDATE');
      const taken = trail.take(two);
      return { taken: () => taken, first: await Promise.race([taken.then(() => 'taken'), pause(1_000, 'waits')]) };
    });
    expect(first.first).toBe('waits');
    await first.taken();
    expect(await byId()).toMatchObject([{ reason: 'ALLOWED' }]);
  });

  it('waits for no count that takes long', async () => {
    boot = `boot${boots++}`;
    const [one, two] = batches([[['intent']]], [[['outcome', 0]]]) as [TrailBatch, TrailBatch];
    await trail.take(one);
    await silent(25);
    await look();
    await api.database.transaction(async (manager) => {
      await manager.query('SELECT FROM traffic_place FOR UPDATE');
      await trail.take(two);
    });
    expect(await byId()).toMatchObject([{ reason: 'ALLOWED' }]);
  });

  it('lets the requests of one that lives go on', async () => {
    const [one] = batches([[['intent']]]) as [TrailBatch];
    await trail.take(one);
    await silent(25);
    const report = { name: worker, bootId: boot, version: '1', appliedRevision: 1, startedAtMs: 0, terms: [1] };
    await api.database.query('SELECT worker_heartbeat($1)', [report]);
    await look();
    expect(await byId()).toEqual([]);
    await api.database.query('DELETE FROM worker');
  });
});
