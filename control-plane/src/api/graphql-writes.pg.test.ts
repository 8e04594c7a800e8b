import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { followAtOnce, newestRevision } from '../workers/testing/following-workers.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
/** Reports what workers report, as they do it. */
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

const run = async (query: string, variables?: object) => (await api.graphql(query, variables)).data?.['result'];
const report = async (name: string, applied: number | 'newest') =>
  reports.heartbeat({
    name,
    bootId: 'b',
    version: '0',
    appliedRevision: applied === 'newest' ? await newestRevision(api.database) : applied,
    terms: [1],
    isMasterKeyCurrent: true,
    authorities: [],
    startedAtMs: Date.now(),
  });

describe('an upsert', () => {
  const upsert = `mutation($input: AgentInput!, $id: ID, $ifRevision: Int) {
    result: upsertAgent(input: $input, id: $id, ifRevision: $ifRevision) {
      object { id name revision isDisabled labels { key value } } change revision behind errors { code field message } } }`;

  it('is by name or by id, tells null from absent, and may be conditional', async () => {
    const labels = [{ key: 'team', value: 'ops' }];
    const created = (await run(upsert, { input: { name: 'upserted', labels, isDisabled: true } })) as {
      object: { id: string; revision: number };
    };
    expect(created).toMatchObject({
      object: { labels, isDisabled: true },
      change: 'CREATED',
      behind: null,
      errors: [],
    });
    const { id, revision } = created.object;
    expect(await run(upsert, { input: { isDisabled: null }, id, ifRevision: revision })).toMatchObject({
      object: { name: 'upserted', labels, isDisabled: false, revision: revision + 1 },
      change: 'UPDATED',
      revision: revision + 1,
    });
    expect(await run(upsert, { input: { name: 'upserted', labels: null }, ifRevision: revision })).toEqual({
      object: null,
      change: null,
      revision: null,
      behind: null,
      errors: [{ code: 'CONFLICT', field: 'ifRevision', message: expect.stringContaining(`${revision + 1}`) }],
    });
    expect(await run(upsert, { input: { name: 'upserted' } })).toMatchObject({ change: 'UNCHANGED' });
    expect(await run(upsert, { input: { name: 'another' }, id })).toMatchObject({ errors: [{ field: 'name' }] });
    expect(await run(upsert, { input: { name: 'upserted' }, ifRevision: -1 })).toMatchObject({
      errors: [{ code: 'INVALID', field: 'ifRevision' }],
    });
    const byId = `query($id: ID) { result: agent(id: $id) { name } }`;
    expect(await run(byId, { id })).toEqual({ name: 'upserted' });
    const remove = `mutation($id: ID, $name: String, $ifRevision: Int) { result: deleteAgent(id: $id, name: $name, ifRevision: $ifRevision) { change errors { code field } } }`;
    expect(await run(remove, { id, ifRevision: revision })).toMatchObject({ errors: [{ code: 'CONFLICT' }] });
    expect(await run(remove, {})).toMatchObject({ errors: [{ code: 'INVALID', field: 'name' }] });
    expect(await run(remove, { id, name: 'upserted' })).toMatchObject({ errors: [{ code: 'INVALID', field: 'name' }] });
    expect(await run(remove, { id })).toEqual({ change: 'DELETED', errors: [] });
    expect(await run(remove, { id })).toEqual({ change: 'UNCHANGED', errors: [] });
    expect(await run(byId, { id })).toBeNull();
  });
});

describe('the lists', () => {
  it('take filters, and treat their text as text', async () => {
    for (const name of ['fil-a', 'fil-b', 'filter', 'fil_c'])
      await api.graphql(
        `mutation { upsertAgent(input: { name: "${name}", isDisabled: ${name === 'fil-b'}, labels: [{ key: "n", value: "${name}" }] }) { change } }`,
      );
    const list = async (filter: object) =>
      (
        (await run('query($filter: AgentFilter) { result: agents(filter: $filter) { nodes { name } } }', {
          filter,
        })) as {
          nodes: { name: string }[];
        }
      ).nodes.map(({ name }) => name);
    expect(await list({ namePrefix: 'fil-' })).toEqual(['fil-a', 'fil-b']);
    expect(await list({ namePrefix: 'fil_' })).toEqual(['fil_c']);
    expect(await list({ namePrefix: 'fil%' })).toEqual([]);
    expect(await list({ namePrefix: 'fil\u0000' })).toEqual([]);
    expect(await list({ namePrefix: 'fil-', isDisabled: true })).toEqual(['fil-b']);
    expect(await list({ labels: [{ key: 'n', value: 'filter' }] })).toEqual(['filter']);
    expect(await list({ labels: [{ key: 'n\u0000', value: 'filter' }] })).toEqual([]);
    expect(await list({ managedBy: "x' OR true --" })).toEqual([]);
  });
});

describe('wait: ALL', () => {
  let count = 0;
  const write = (timeoutMs: number) =>
    run(
      `mutation($input: AgentInput!) { result: upsertAgent(input: $input, wait: ALL, timeoutMs: ${timeoutMs}) { change revision isEverywhere confirmedBy behind silent errors { code } } }`,
      { input: { name: 'waited', labels: [{ key: 'n', value: `${++count}` }] } },
    ) as Promise<{ revision: number }>;

  it('says at once that nobody has confirmed when there is no worker', async () => {
    expect(await write(30_000)).toMatchObject({
      change: 'CREATED',
      isEverywhere: false,
      confirmedBy: 0,
      behind: [],
      silent: [],
      errors: [],
    });
  });

  it('names the workers that have not applied the revision when the time is over', async () => {
    await report('fast', 'newest');
    await report('slow', 0);
    expect(await write(100)).toMatchObject({
      change: 'UPDATED',
      isEverywhere: false,
      confirmedBy: 1,
      behind: ['slow'],
      silent: [],
    });
  });

  it('is answered as soon as the last of them has reported it', async () => {
    let isAnswered = false;
    const answer = write(30_000).finally(() => (isAnswered = true));
    await expect
      .poll(async () => (await api.graphql('{ agent(name: "waited") { labels { value } } }')).data, { interval: 10 })
      .toEqual({ agent: { labels: [{ value: `${count}` }] } });
    expect(isAnswered).toBe(false);
    await report('slow', 'newest');
    expect(await answer).toMatchObject({ isEverywhere: true, confirmedBy: 2, behind: [], silent: [] });
  });

  const silence = (interval: string, name: string) =>
    api.database.query('UPDATE worker SET seen_at = now() - $1::interval WHERE name = $2', [interval, name]);

  it('does not wait for a worker that missed its reports, and does not count it, whatever it said last', async () => {
    await report('missing', 'newest');
    await silence('11 seconds', 'missing');
    const found = { isEverywhere: false, confirmedBy: 2, behind: [], silent: ['missing'] };
    expect(await write(30_000)).toMatchObject(found);
    await silence('23 hours', 'missing');
    expect(await write(30_000)).toMatchObject(found);
    await report('missing', 'newest');
    expect(await write(30_000)).toMatchObject({ isEverywhere: true, confirmedBy: 3, silent: [] });
  });

  it('counts one that falls silent while it is waited for as silent', async () => {
    await report('missing', 0);
    const answer = write(30_000);
    await silence('11 seconds', 'missing');
    expect(await answer).toMatchObject({ isEverywhere: false, confirmedBy: 2, behind: [], silent: ['missing'] });
  });

  it('says that nobody has confirmed when all are silent', async () => {
    await api.database.query("UPDATE worker SET seen_at = seen_at - interval '1 minute'");
    expect(await write(30_000)).toMatchObject({
      isEverywhere: false,
      confirmedBy: 0,
      behind: [],
      silent: ['fast', 'missing', 'slow'],
    });
    for (const name of ['fast', 'slow']) await report(name, 'newest');
  });

  it('forgets a worker that ended in order, in that run alone, and one that is silent for a day', async () => {
    const end = (boot: string, interval: string) =>
      api.database.query(
        `INSERT INTO audit_boot (worker, boot, through, mac, ended_at) VALUES ('missing', $1, 0, '', now() - $2::interval)
         ON CONFLICT (worker, boot) DO UPDATE SET ended_at = excluded.ended_at`,
        [boot, interval],
      );
    await end('an-earlier-run', '0');
    expect(await write(30_000)).toMatchObject({ isEverywhere: false, silent: ['missing'] });
    // Somebody took its spool and ended its run: it was heard of since.
    await end('b', '1 hour');
    expect(await write(30_000)).toMatchObject({ isEverywhere: false, silent: ['missing'] });
    await end('b', '0');
    await report('missing', 0);
    await end('b', '0');
    const found = { isEverywhere: true, confirmedBy: 2, behind: [], silent: [] };
    expect(await write(30_000)).toMatchObject(found);
    await api.database.query("DELETE FROM audit_boot WHERE worker = 'missing'");
    await silence('25 hours', 'missing');
    expect(await write(30_000)).toMatchObject(found);
  });

  it('names one whose trail goes on after its last report: it runs, and began again without the database', async () => {
    const run = (boot: string, age: string, isEnded: boolean) =>
      api.database.query(
        `INSERT INTO audit_boot (worker, boot, through, mac, updated_at, ended_at)
         VALUES ('missing', $1, 0, '', now() - $2::interval, CASE WHEN $3 THEN now() END)
         ON CONFLICT (worker, boot) DO UPDATE SET updated_at = excluded.updated_at, ended_at = excluded.ended_at`,
        [boot, age, isEnded],
      );
    await report('missing', 'newest');
    await silence('1 hour', 'missing');
    await run('b', '0', true);
    await run('before', '2 hours', false);
    const out = { isEverywhere: true, confirmedBy: 2, behind: [], silent: [] };
    expect(await write(30_000)).toMatchObject(out);
    await run('later', '1 minute', false);
    const found = { isEverywhere: false, confirmedBy: 2, behind: [], silent: ['missing'] };
    expect(await write(30_000)).toMatchObject(found);
    await silence('30 hours', 'missing');
    expect(await write(30_000)).toMatchObject(found);
    for (const boot of ['before', 'later']) await run(boot, '25 hours', false);
    expect(await write(30_000)).toMatchObject(out);
    await run('later', '1 minute', true);
    expect(await write(30_000)).toMatchObject(out);
    await api.database.query("DELETE FROM audit_boot WHERE worker = 'missing'");
  });

  it('takes no longer than it was given while the database hangs, and says what it found last, or that it found nothing', async () => {
    await report('fast', 'newest');
    await report('slow', 0);
    const holder = api.database.createQueryRunner();
    await holder.connect();
    const hang = () => holder.query('BEGIN; LOCK TABLE worker IN ACCESS EXCLUSIVE MODE');
    try {
      await hang();
      // Were it waited for the database, nothing would ever be answered.
      const answer = await api.graphql(
        'mutation { upsertAgent(input: { name: "hung" }, wait: ALL, timeoutMs: 100) { change isEverywhere behind } }',
      );
      expect(answer.data).toEqual({ upsertAgent: { change: 'CREATED', isEverywhere: null, behind: null } });
      expect(answer.errors?.[0]).toMatchObject({ extensions: { code: 'NOT_READY' } });
      await holder.query('ROLLBACK');
      await report('fast', 'newest');
      const waiting = write(2_000);
      await expect
        .poll(async () => (await api.graphql('{ agent(name: "waited") { labels { value } } }')).data, { interval: 10 })
        .toEqual({ agent: { labels: [{ value: `${count}` }] } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await hang();
      expect(await waiting).toMatchObject({ isEverywhere: false, confirmedBy: 1, behind: ['slow'], silent: [] });
    } finally {
      await holder.query('ROLLBACK');
      await holder.release();
    }
    await report('slow', 'newest');
  });

  it('waits for nothing when the write was refused, and takes no endless time', async () => {
    await report('slow', 0);
    const refused =
      'mutation { result: upsertAgent(input: { name: "Bad" }, wait: ALL, timeoutMs: 30000) { behind errors { code } } }';
    expect(await run(refused)).toEqual({ behind: null, errors: [{ code: 'INVALID' }] });
    const endless = 'mutation { upsertAgent(input: { name: "endless" }, wait: ALL, timeoutMs: 2000000000) { change } }';
    expect((await api.graphql(endless)).errors?.[0]?.extensions).toMatchObject({ code: 'INVALID', field: 'timeoutMs' });
    expect(await run('{ result: agent(name: "endless") { name } }')).toBeNull();
  });
});
