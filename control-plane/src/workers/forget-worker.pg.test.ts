import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { GoneWorkers } from '../audit/gone-workers.ts';
import { OpenIntents } from '../audit/open-intents.ts';
import { batchesOf, openTrailStore, rowsOf, type Spec, worker as audited } from '../audit/testing/runs.ts';
import { followAtOnce, newestRevision } from './testing/following-workers.ts';

let api: Served;
let reports: PostgresSnapshotSource;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  reports = new PostgresSnapshotSource({ connectionString: api.config.databaseUrl });
  await followAtOnce(api.database);
});
afterAll(async () => {
  await reports.close();
  await api.stop();
});
beforeEach(async () => {
  await api.database.query('DELETE FROM worker');
  await api.database.query("DELETE FROM audit_boot WHERE worker = 'lost'");
  await report('steady');
  await report('lost');
});

const report = async (name: string, bootId = 'b') =>
  reports.heartbeat({
    name,
    bootId,
    version: '0',
    appliedRevision: await newestRevision(api.database),
    terms: [1],
    isMasterKeyCurrent: true,
    authorities: [],
    startedAtMs: Date.now(),
  });
const silence = (interval: string, name = 'lost') =>
  api.database.query('UPDATE worker SET seen_at = now() - $1::interval WHERE name = $2', [interval, name]);
const auditedAgo = (interval: string) =>
  api.database.query(
    `INSERT INTO audit_boot (worker, boot, through, mac, updated_at) VALUES ('lost', 'run', 0, '', now() - $1::interval)
     ON CONFLICT (worker, boot) DO UPDATE SET updated_at = excluded.updated_at`,
    [interval],
  );
const forget = async (name = 'lost', further = '') => {
  const document = `mutation { result: forgetWorker(name: "${name}"${further}) { change isEverywhere silent errors { code message } } }`;
  return (await api.graphql(document)).data?.['result'];
};
const everywhere = async () => {
  const document =
    'mutation { result: upsertAgent(input: { name: "asked" }, wait: ALL) { isEverywhere confirmedBy silent } }';
  return (await api.graphql(document)).data?.['result'];
};
const listed = async () => {
  const { items } = (await api.call('GET', '/api/workers')).json as { items: { name: string }[] };
  return items.map(({ name }) => name);
};
const out = { isEverywhere: true, confirmedBy: 1, silent: [] };
const unknown = { isEverywhere: false, confirmedBy: 1, silent: ['lost'] };

describe('a worker that was killed and does not come back', () => {
  it('is waited for no more once it is forgotten, and is shown and counted nowhere', async () => {
    await silence('1 minute');
    expect(await everywhere()).toEqual(unknown);
    expect(await forget('lost', ', wait: ALL')).toMatchObject({ change: 'DELETED', isEverywhere: true, silent: [] });
    expect(await everywhere()).toEqual(out);
    expect(await listed()).toEqual(['steady']);
    const { data } = await api.graphql('{ overview { workers liveWorkers } }');
    expect(data).toEqual({ overview: { workers: 1, liveWorkers: 1 } });
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(/^onecli_workers\{state="gone"\} (\d+)/m.exec(metrics)?.[1]).toBe('0');
    // Said again it is as it was.
    expect(await forget()).toMatchObject({ change: 'UNCHANGED', errors: [] });
    expect((await api.call('DELETE', '/api/workers/lost')).status).toBe(204);
    expect(await forget('nobody')).toMatchObject({ change: 'UNCHANGED', errors: [] });
    expect(await forget('\\u0000')).toMatchObject({ change: 'UNCHANGED', errors: [] });
  });

  it('is not forgotten while it reports, or audits without reporting', async () => {
    const refused = {
      change: null,
      errors: [{ code: 'CONFLICT', message: expect.stringContaining('stop it first') as string }],
    };
    expect(await forget()).toMatchObject(refused);
    expect((await api.call('DELETE', '/api/workers/lost')).status).toBe(409);
    await silence('1 minute');
    await auditedAgo('1 second');
    expect(await forget()).toMatchObject(refused);
    expect(await everywhere()).toEqual(unknown);
    await auditedAgo('20 seconds');
    expect(await forget()).toMatchObject({ change: 'DELETED' });
    expect(await everywhere()).toEqual(out);
  });

  it('is known again as soon as it is heard of: by a report, or by its trail', async () => {
    await silence('1 minute');
    await forget();
    await report('lost', 'again');
    expect(await everywhere()).toEqual({ ...out, confirmedBy: 2 });
    expect(await listed()).toEqual(['lost', 'steady']);
    await silence('11 seconds');
    expect(await everywhere()).toEqual(unknown);
    await forget();
    expect(await everywhere()).toEqual(out);
    await auditedAgo('-1 seconds');
    expect(await everywhere()).toEqual(unknown);
    expect(await listed()).toEqual(['lost', 'steady']);
  });

  it('is not forgotten by one who says so while its report is under way', async () => {
    await silence('1 minute');
    const reporting = api.database.createQueryRunner();
    try {
      await reporting.query('BEGIN');
      await reporting.query(`UPDATE worker SET seen_at = now() WHERE name = 'lost'`);
      const forgetting = forget();
      const waits =
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM worker w%FOR UPDATE%'";
      await expect.poll(() => api.database.query(waits), { timeout: 20_000 }).toHaveLength(1);
      await reporting.query('COMMIT');
      expect(await forgetting).toMatchObject({ change: null, errors: [{ code: 'CONFLICT' }] });
    } finally {
      await reporting.release();
    }
    expect(await everywhere()).toEqual({ ...out, confirmedBy: 2 });
  });

  it('may be forgotten by owners and admins alone, and each time is an event with what the worker said last', async () => {
    await silence('1 minute');
    for (const role of ['operator', 'auditor', 'agent-manager']) {
      const made = await api.call('POST', '/api/api-keys', {
        name: `of-${role}`,
        roles: [{ role, environments: ['*'] }],
      });
      const { token } = made.json as { token: string };
      const answer = await api.call('DELETE', '/api/workers/lost', undefined, { authorization: `Bearer ${token}` });
      expect([role, answer.status]).toEqual([role, 403]);
    }
    expect(await everywhere()).toEqual(unknown);
    await forget();
    const { items } = (await api.call('GET', '/api/admin-events?kind=worker')).json as { items: object[] };
    expect(items).toContainEqual(
      expect.objectContaining({
        principal: 'user:admin',
        action: 'worker:forget',
        objectName: 'lost',
        outcome: 'done',
        detail: expect.objectContaining({ bootId: 'b', appliedRevision: expect.any(Number) as number }) as object,
      }),
    );
  });
});

describe('what a forgotten worker audited', () => {
  const hourMs = 3_600_000;
  const trailOf = (boot: string) =>
    api.database.query(
      `SELECT (SELECT json_agg(b.* ORDER BY boot) FROM audit_boot b WHERE worker = $1),
         (SELECT json_agg(i.* ORDER BY sequence) FROM audit_intent i WHERE boot = $2),
         (SELECT count(*)::int FROM audit_block WHERE worker = $1), (SELECT count(*)::int FROM audit_chain_fault)`,
      [audited, boot],
    );
  const verified = async () => {
    const { json } = await api.call('POST', '/api/audit/trail/verify', {});
    return (json as { faults: object[] }).faults;
  };
  const look = async () => {
    const { database, keys } = api;
    const store = new AuditStore(database, keys.keyring);
    const gone = new GoneWorkers({ database, store, intents: new OpenIntents(keys.keyring) });
    await gone.look(new AbortController().signal);
  };

  it('stays as it is, is found missing or interrupted as before, and no sooner', async () => {
    const boot = 'forgotten';
    const trail = openTrailStore(api, [], []);
    const specs: Spec[][][] = [[[['intent']]], [[['lone']]], [[['lone']]]];
    const [first, , third] = batchesOf(api, boot, Date.now() - 30 * hourMs, specs);
    if (first === undefined || third === undefined) throw new Error('There are three batches');
    await trail.take(first);
    await trail.take(third);
    await api.database.query("UPDATE audit_boot SET updated_at = now() - interval '25 hours' WHERE boot = $1", [boot]);
    await report(audited, boot);
    await silence('1 hour', audited);
    const [before, faults] = [await trailOf(boot), await verified()];
    expect(await forget(audited)).toMatchObject({ change: 'DELETED' });
    expect(await trailOf(boot)).toEqual(before);
    expect(await verified()).toEqual(faults);
    // It reported an hour ago: for a day nobody takes what it left open to be over.
    await look();
    expect(await trailOf(boot)).toEqual(before);
    expect(await rowsOf(api.database, boot)).toEqual([]);
    await api.database.query(
      "UPDATE worker SET seen_at = now() - interval '25 hours', forgotten_report = now() - interval '25 hours' WHERE name = $1",
      [audited],
    );
    await look();
    expect(await rowsOf(api.database, boot)).toMatchObject([{ reason: 'INTERRUPTED' }]);
  });
});
