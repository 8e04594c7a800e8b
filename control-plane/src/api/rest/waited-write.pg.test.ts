import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { followAtOnce, newestRevision } from '../../workers/testing/following-workers.ts';
import { goodCalls } from '../testing/good-calls.ts';
import { type OpenApi, OpenApiContract } from '../testing/openapi-contract.ts';
import { type Served, serve } from '../testing/serve.ts';

let api: Served;
let contract: OpenApiContract;
let reports: PostgresSnapshotSource;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  contract = new OpenApiContract((await api.call('GET', '/api/openapi.json')).json as OpenApi);
  reports = new PostgresSnapshotSource({ connectionString: api.config.databaseUrl });
  await followAtOnce(api.database);
});
afterAll(async () => {
  await reports.close();
  await api.stop();
});
beforeEach(() => api.database.query('DELETE FROM worker'));

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
const called = async (method: string, url: string, body?: unknown) => {
  const answer = await api.call(method, url, body);
  contract.check(method, url, answer);
  return answer;
};
const takesWait = (method: string, url: string) =>
  contract.operationAt(method, url).operation.parameters.some(({ name }) => name === 'wait');

/** Writes that no worker applies, or of which no revision tells. */
const unwaited = [
  'changePassword',
  'createSupportBundle',
  'exportAuditMacKey',
  'followAuditTrailVerification',
  'login',
  'logout',
  'plan',
  'rotateKeys',
  'setPassword',
  'verifyAuditTrail',
];

describe('wait=all', () => {
  it('is taken by every write that workers apply, which then tells who has it', async () => {
    const writes = contract.operations.filter(({ method }) => method !== 'GET');
    const without = writes.filter(({ method, path }) => !takesWait(method, path));
    expect(new Set(without.map(({ operation }) => operation.operationId))).toEqual(new Set(unwaited));
    const nobody = { isEverywhere: false, confirmedBy: 0, behind: [], silent: [] };
    for (const [method, url, body] of goodCalls) {
      const waits = method !== 'GET' && takesWait(method, url);
      const answer = await called(method, waits ? `${url}?wait=all` : url, body);
      expect(answer.status, `${method} ${url}`).toBeLessThan(300);
      if (waits)
        expect(answer.json, `${method} ${url}`).toMatchObject({ revision: expect.any(Number), applied: nobody });
    }
  });

  it('is answered when every worker has it, and names those that have it not', async () => {
    const put = (query: string, isDisabled: boolean) =>
      called('POST', `/api/agents/waited/${isDisabled ? 'disable' : 'enable'}${query}`);
    await called('POST', '/api/agents', { name: 'waited' });
    await report('w-ready', 'newest');
    expect((await put('?wait=all', true)).json).toMatchObject({
      disabled: true,
      applied: { isEverywhere: true, confirmedBy: 1, behind: [], silent: [] },
    });
    await report('w-late', 1);
    await report('w-lost', 'newest');
    await api.database.query("UPDATE worker SET seen_at = now() - interval '1 minute' WHERE name = 'w-lost'");
    expect((await put('?wait=all&timeoutMs=50', false)).json).toMatchObject({
      disabled: false,
      applied: { isEverywhere: false, confirmedBy: 1, behind: ['w-late'], silent: ['w-lost'] },
    });
    await api.database.query("DELETE FROM worker WHERE name = 'w-lost'");
    const waiting = put('?wait=all&timeoutMs=20000', true);
    await expect.poll(async () => (await api.call('GET', '/api/agents/waited')).json).toMatchObject({ disabled: true });
    await report('w-late', 'newest');
    expect((await waiting).json).toMatchObject({ applied: { isEverywhere: true, confirmedBy: 2 } });
  });

  it('is no part of an answer that was not asked for, nor of a removal', async () => {
    await report('w-late', 1);
    await called('POST', '/api/agents', { name: 'removed' });
    const written = await called('PUT', '/api/agents/removed?wait=none', { labels: {} });
    expect(written.json).not.toHaveProperty('applied');
    expect((await called('DELETE', '/api/agents/removed')).status).toBe(204);
    const removed = await called('DELETE', '/api/agents/removed?wait=all&timeoutMs=20');
    expect([removed.status, removed.json]).toEqual([
      200,
      {
        revision: expect.any(Number) as number,
        applied: { isEverywhere: false, confirmedBy: 0, behind: ['w-late'], silent: [] },
      },
    ]);
  });

  it.each([
    ['wait=some', 'wait'],
    ['wait=all&timeoutMs=0', 'timeoutMs'],
    ['wait=all&timeoutMs=30001', 'timeoutMs'],
    ['wait=all&timeoutMs=1.5', 'timeoutMs'],
  ])('writes nothing when it is asked for as %s', async (query, field) => {
    const answer = await called('POST', `/api/agents?${query}`, { name: 'unmade' });
    expect(answer.json).toMatchObject({ error: { code: 'INVALID', field } });
    expect((await api.call('GET', '/api/agents/unmade')).status).toBe(404);
  });

  it('of a write that is refused is not waited for', async () => {
    await report('w-late', 1);
    const startMs = performance.now();
    expect((await called('POST', '/api/agents?wait=all&timeoutMs=20000', { name: '' })).status).toBe(400);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});
