import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { makeUser, passwordOf } from '../auth/testing/people.ts';
import { adminPassword, basic, type Served, serve } from '../api/testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

const metrics = async (): Promise<string> => (await fetch(`${api.url}/metrics`)).text();
const series = async (): Promise<string[]> =>
  (await metrics())
    .split('\n')
    .filter((line) => /^onecli_(?!workers_)/.test(line))
    .map((line) => line.replace(/ [^ ]+$/, ''));
const valueOf = async (name: string): Promise<number> => {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
};

describe('/metrics', () => {
  it('counts calls, operations, refused logins and changes', async () => {
    await api.call('POST', '/api/secrets', { name: 'prod/counted', value: 'x' });
    await api.call('GET', '/api/secrets/prod%2Fcounted');
    await api.graphql('{ revision }');
    await api.graphql('mutation { deleteSecret(name: "prod/none") { change } }');
    await api.graphql('{ nothing }');
    await api.call('GET', '/api/secrets', undefined, basic('admin', 'wrong password'));
    const read = '{method="GET",route="/api/secrets/:name",status_class="2xx"}';
    expect(await valueOf(`onecli_http_requests_total${read}`)).toBe(1);
    expect(await valueOf('onecli_http_request_seconds_count{route="/api/secrets/:name"}')).toBe(1);
    expect(await valueOf('onecli_graphql_operations_total{type="query",outcome="ok"}')).toBe(1);
    expect(await valueOf('onecli_graphql_operations_total{type="mutation",outcome="ok"}')).toBe(1);
    expect(await valueOf('onecli_graphql_operations_total{type="invalid",outcome="errors"}')).toBe(1);
    expect(await valueOf('onecli_logins_failed_total')).toBe(1);
    expect(await valueOf('onecli_api_faults_total{code="UNAUTHENTICATED"}')).toBe(1);
    expect(await valueOf('onecli_config_changes_total')).toBe(1);
  });

  it('counts faults inside GraphQL as those of REST, each once, and no errors of documents', async () => {
    await makeUser(api, 'looker', everywhere('auditor'));
    const as = basic('looker', passwordOf('looker'));
    const counts = () =>
      Promise.all([
        valueOf('onecli_api_faults_total{code="FORBIDDEN"}'),
        valueOf('onecli_api_faults_total{code="UNAUTHENTICATED"}'),
        valueOf('onecli_logins_failed_total'),
      ]).then((values) => values.map((value) => value || 0));
    const [forbidden = 0, unauthenticated = 0, logins = 0] = await counts();
    const refused = await api.call('POST', '/graphql', { query: 'mutation { deleteAgent(name: "x") { change } }' }, as);
    expect((refused.json as { errors: object[] }).errors).toHaveLength(1);
    expect(await counts()).toEqual([forbidden + 1, unauthenticated, logins]);
    const wrong =
      'mutation { changePassword(currentPassword: "wrong", password: "Wombat-Ofen-new-7319") { __typename } }';
    await api.call('POST', '/graphql', { query: wrong }, as);
    expect(await counts()).toEqual([forbidden + 1, unauthenticated + 1, logins + 1]);
    const faults = async () =>
      (await metrics()).split('\n').filter((line) => line.startsWith('onecli_api_faults_total'));
    const before = await faults();
    await api.graphql('{ nothing }');
    await api.graphql('query($n: Int!) { secrets(first: $n) { edges { cursor } } }', { n: 'x' });
    expect(await faults()).toEqual(before);
  });

  it('tells what waits in the queue, who works, and how full the pool is', async () => {
    await api.database.query(
      `INSERT INTO worker (name, boot_id, version, applied_revision, started_at, seen_at)
       VALUES ('w1', 'b', '0.1.0', 7, now(), now()), ('w2', 'b', '0.1.0', 5, now(), now()), ('w3', 'b', '0.1.0', 1, now(), now() - interval '1 hour')`,
    );
    expect(await valueOf('onecli_workers{state="live"}')).toBe(2);
    expect(await valueOf('onecli_workers{state="gone"}')).toBe(1);
    expect(await valueOf('onecli_workers_lowest_revision')).toBe(5);
    expect(await valueOf('onecli_audit_queue_batches{state="waiting"}')).toBe(0);
    expect(await valueOf('onecli_database_connections{state="waiting"}')).toBe(0);
  });

  it('tells what live workers have to do, all of them and the busiest, and names none', async () => {
    await api.database.query(
      `UPDATE worker SET connections = l.c, requests_per_second = l.r, cpu_share = l.u, memory_bytes = l.m, spool_bytes = l.s
       FROM (VALUES ('w1', 3, 40, 0.25, 100, 7), ('w2', 5, 2, 0.5, 300, NULL), ('w3', 900, 900, 9, 9000, 9000)) AS l(name, c, r, u, m, s)
       WHERE worker.name = l.name`,
    );
    const figures = ['connections', 'requests_per_second', 'cpu_cores', 'memory_bytes', 'spool_bytes'];
    const told = await Promise.all(
      figures.map(async (figure) => [
        await valueOf(`onecli_workers_${figure}{of="all"}`),
        await valueOf(`onecli_workers_${figure}{of="busiest"}`),
      ]),
    );
    expect(told).toEqual([
      [8, 5],
      [42, 40],
      [0.75, 0.5],
      [400, 300],
      [7, 7],
    ]);
    expect(await metrics()).not.toMatch(/w1|w2|w3/);
  });

  it('grows no series with what callers make up: names, paths, methods, users', async () => {
    const call = async (index: number) => {
      await api.call('GET', `/api/secrets/prod%2Fmade-up-${index}`);
      await api.call('GET', `/api/made-up-${index}`);
      await api.call('GET', `/made-up-${index}/x?canary=${index}`);
      await api.call(index % 2 ? 'PROPFIND' : 'SEARCH', '/api/secrets');
      await api.call('POST', '/graphql', {
        query: `query Made${index} { made${index} }`,
        operationName: `Made${index}`,
      });
      await fetch(`${api.url}/api/secrets`, { headers: basic(`made-up-${index}`, adminPassword) });
    };
    for (let index = 0; index < 4; index++) await call(index);
    const before = await series();
    for (let index = 4; index < 14; index++) await call(index);
    expect(await series()).toEqual(before);
    expect(before.join('\n')).not.toMatch(/made|canary|PROPFIND|prod/);
  });
});

describe('the id of a request', () => {
  const id = 'req-0123456789abcdef';

  it('is the API’s own unless a trusted proxy gave a well-formed one', async () => {
    const given = async (target: Served, value: string) =>
      (await target.call('GET', '/api/secrets', undefined, { 'x-request-id': value })).headers['x-request-id'];
    expect(await given(api, id)).toMatch(/^[0-9a-f-]{36}$/);
    const behind = await serve(api.config.databaseUrl, { trustedProxies: ['127.0.0.0/8'] });
    try {
      expect(await given(behind, id)).toBe(id);
      for (const bad of [
        'short',
        'x'.repeat(65),
        'has blank in it',
        '"quoted-text"',
        '{json-like-text}',
        '../../etc/passwd',
      ])
        expect(await given(behind, bad)).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      await behind.stop();
    }
  });

  it('is that of the answer, of the refusal’s body, of the log line and of the admin’s event', async () => {
    const made = await api.call('POST', '/api/agents', { name: 'traced' });
    const refused = await api.call('POST', '/api/agents', { name: 'traced' });
    const idOf = (answer: typeof made): string => answer.headers['x-request-id'] ?? '';
    expect(refused.json).toMatchObject({ error: { requestId: idOf(refused) } });
    await expect
      .poll(() => api.logLines.filter((line) => line.includes(idOf(made)) || line.includes(idOf(refused))).length)
      .toBeGreaterThan(1);
    const events = await api.database.query<{ action: string }[]>(
      'SELECT action FROM admin_event WHERE request_id = $1',
      [idOf(made)],
    );
    expect(events).toEqual([{ action: 'agent:create' }]);
  });
});
