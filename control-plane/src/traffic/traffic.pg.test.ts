import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditStore } from '../audit/audit-store.ts';
import type { Role } from '../auth/actions.ts';
import { everywhere, type Principal } from '../auth/principal.ts';
import { periodOf } from './traffic-period.ts';
import { TrafficStore } from './traffic-store.ts';
import { TrafficService } from './traffic.service.ts';

let api: Served;
const hourMs = 3_600_000;
/** The middle of an hour, so that what is close to it stands in one step. */
const baseMs = Math.floor(Date.now() / hourMs) * hourMs - 3 * hourMs + hourMs / 2;
let count = 0;
const event = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  id: `w-boot-${++count}`,
  timeMs: baseMs,
  worker: 'w',
  revision: 1,
  requestId: 'r',
  agentId: undefined,
  agent: 'bot',
  decision: 'allow',
  reason: 'ALLOWED',
  rule: undefined,
  host: 'a.example',
  port: 443,
  method: 'GET',
  path: '/',
  status: 200,
  latencyMs: 10,
  requestBytes: 0,
  responseBytes: 0,
  secrets: [],
  findings: [],
  ...more,
});
const times = (length: number, more: Partial<AuditEvent>) => Array.from({ length }, () => event(more));

beforeAll(async () => {
  api = await serve(await freshDatabase());
  await new AuditStore(api.database, api.keys.keyring).insert([
    ...times(90, { latencyMs: 10, secrets: ['prod/k@1'] }),
    ...times(9, { latencyMs: 100, secrets: ['prod/k@1'] }),
    ...times(1, { latencyMs: 1000, secrets: ['staging/k@1'], status: 503 }),
    ...times(20, {
      decision: 'deny',
      reason: 'POLICY_DENIED',
      status: 0,
      latencyMs: 9999,
      host: 'b.example',
      agent: 'other',
    }),
    ...times(5, { agent: undefined, host: 'c.example', timeMs: baseMs - hourMs }),
    ...times(7, { timeMs: baseMs - 30 * 24 * hourMs }),
  ]);
});
afterAll(() => api?.stop());

interface Slot {
  readonly at: string;
  readonly requests: number;
  readonly denials: number;
  readonly latencyP50: number | null;
}
const counts = 'requests denials failures latencyP50 latencyP95 latencyP99';
async function traffic(filter: object = {}): Promise<{ stepSeconds: number; slots: Slot[] }> {
  const query = `query($filter: TrafficFilterInput) { traffic(filter: $filter) { stepSeconds slots { at ${counts} } } }`;
  const { data } = await api.graphql(query, { filter });
  return data?.['traffic'] as never;
}
const near = (ms: number) =>
  expect.toSatisfy((value: number) => Math.abs(value - ms) <= ms * 0.07 + 0.1, `about ${ms}`);

describe('traffic over time', () => {
  it('has every step of the last day, with what is denied and how long the others took', async () => {
    const { stepSeconds, slots } = await traffic();
    expect(stepSeconds).toBe(900);
    expect(slots.length).toBeGreaterThanOrEqual(96);
    expect(slots.length).toBeLessThanOrEqual(98);
    const busy = slots.filter(({ requests }) => requests > 0);
    expect(busy).toEqual([
      expect.objectContaining({ requests: 5, denials: 0 }),
      {
        at: new Date(Math.floor(baseMs / 900_000) * 900_000).toISOString(),
        requests: 120,
        denials: 20,
        failures: 1,
        latencyP50: near(10),
        latencyP95: near(100),
        latencyP99: near(100),
      },
    ]);
    expect(slots.find(({ requests }) => requests === 0)).toMatchObject({ denials: 0, latencyP50: null });
  });

  it('is of an agent, a host, and any time within 90 days, in 120 steps at most', async () => {
    const total = async (filter: object) => {
      const { slots } = await traffic(filter);
      expect(slots.length).toBeLessThanOrEqual(120);
      return slots.reduce((sum, { requests }) => sum + requests, 0);
    };
    expect(await total({ agent: 'other' })).toBe(20);
    expect(await total({ host: 'c.example' })).toBe(5);
    expect(await total({ agent: 'other', host: 'a.example' })).toBe(0);
    expect(await total({ since: new Date(baseMs - 31 * 24 * hourMs).toISOString() })).toBe(132);
    const until = new Date(baseMs - 24 * hourMs).toISOString();
    expect(await total({ since: new Date(baseMs - 40 * 24 * hourMs).toISOString(), until })).toBe(7);
  });

  it('has the busiest agents and hosts', async () => {
    const by = async (what: string, first = 10) =>
      (await api.graphql(`{ trafficBy(by: ${what}, first: ${first}) { name ${counts} } }`)).data?.['trafficBy'];
    expect(await by('AGENT')).toEqual([
      expect.objectContaining({ name: 'bot', requests: 100, denials: 0, latencyP50: near(10) }),
      { name: 'other', requests: 20, denials: 20, failures: 0, latencyP50: null, latencyP95: null, latencyP99: null },
    ]);
    expect(await by('HOST', 2)).toMatchObject([{ name: 'a.example' }, { name: 'b.example' }]);
  });

  it.each([
    [{ since: '2020-01-01T00:00:00Z' }, 'since'],
    [{ since: '2999-01-01T00:00:00Z' }, 'since'],
    [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'since'],
  ])('refuses %j', async (filter, field) => {
    const { errors } = await api.graphql('query($f: TrafficFilterInput) { traffic(filter: $f) { stepSeconds } }', {
      f: filter,
    });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID', field });
    expect((await api.graphql('{ trafficBy(by: HOST, first: 51) { name } }')).errors?.[0]?.extensions).toMatchObject({
      field: 'first',
    });
  });

  it('tells who is limited to environments of requests with their secrets alone, and nobody who may not read the trail', async () => {
    const service = new TrafficService(api.database, new TrafficStore(api.database));
    const as = (role: Role, environments: readonly string[]): Principal => ({
      kind: 'user',
      name: 'x',
      assignments: [{ role, environments }],
    });
    const total = async (principal: Principal) =>
      (await service.series(principal, {})).slots.reduce((sum, { requests }) => sum + requests, 0);
    expect(await total(as('auditor', ['staging']))).toBe(1);
    expect(await total(as('auditor', ['prod']))).toBe(99);
    expect(await total(as('auditor', ['*']))).toBe(125);
    expect(await service.top(as('auditor', ['staging']), 'host', { limit: 5 })).toMatchObject([
      { name: 'a.example', requests: 1 },
    ]);
    const manager: Principal = { kind: 'user', name: 'x', assignments: everywhere('agent-manager') };
    await expect(service.series(manager, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(service.top(manager, 'agent', { limit: 5 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('counts', () => {
  it('are one for all who ask the same at once, and few at a time', async () => {
    let running = 0;
    let most = 0;
    let all = 0;
    const database = {
      transaction: async (_level: string, work: (manager: unknown) => Promise<unknown>) => {
        all++;
        most = Math.max(most, ++running);
        try {
          return await api.database.transaction(work as never);
        } finally {
          running--;
        }
      },
    };
    const store = new TrafficStore(database as never);
    const period = periodOf({}, Date.now());
    const ask = (user: string, agent: number) =>
      store.series(
        { kind: 'user', name: user, userId: user, assignments: [] },
        { agent: `agent-${agent}` },
        period,
        '*',
      );
    await Promise.all(Array.from({ length: 40 }, (_, index) => ask(`user-${index % 2}`, index % 10)));
    expect([all, most]).toEqual([10, 2]);
    most = 0;
    const asked = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => ask('greedy', 100 + index)));
    const refused = asked.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(34);
    expect(refused[0]).toMatchObject({ reason: { code: 'OVERLOADED' } });
    expect([all, most]).toEqual([16, 1]);
  });
});

describe('the overview', () => {
  const overview = `{ overview { revision secrets disabledSecrets expiringSecrets agents disabledAgents policies routes
    workers liveWorkers workersBehind } }`;

  it('counts what there is', async () => {
    for (const name of ['prod/a', 'prod/b', 'staging/a']) await api.call('POST', '/api/secrets', { name, value: 'x' });
    await api.call('PUT', '/api/secrets/prod%2Fa', {
      disabled: true,
      expiresAt: new Date(Date.now() + 1e8).toISOString(),
    });
    await api.call('POST', '/api/agents', { name: 'bot' });
    await api.call('POST', '/api/policies', { name: 'p', agents: [], rules: [] });
    const { revision } = (await api.graphql('{ revision }')).data as { revision: number };
    await api.database.query(
      `INSERT INTO worker (name, boot_id, version, applied_revision, started_at, seen_at)
       VALUES ('w1', 'b', '0', $1, now(), now()), ('w2', 'b', '0', 0, now(), now()), ('w3', 'b', '0', 0, now(), '2020-01-01')`,
      [revision],
    );
    expect((await api.graphql(overview)).data?.['overview']).toEqual({
      revision,
      secrets: 3,
      disabledSecrets: 1,
      expiringSecrets: 1,
      agents: 1,
      disabledAgents: 0,
      policies: 1,
      routes: 0,
      workers: 3,
      liveWorkers: 2,
      workersBehind: 1,
    });
  });

  it('tells nobody the number of what he may not list', async () => {
    const service = new TrafficService(api.database, new TrafficStore(api.database));
    const as = (assignments: Principal['assignments']) => service.overview({ kind: 'user', name: 'x', assignments });
    expect(await as([{ role: 'auditor', environments: ['staging'] }])).toMatchObject({
      secrets: 1,
      disabledSecrets: 0,
      agents: 1,
      policies: null,
      routes: null,
      liveWorkers: 2,
    });
    expect(await as(everywhere('agent-manager'))).toMatchObject({ secrets: null, agents: 1, workers: null });
    expect(await as([])).toMatchObject({ secrets: null, agents: null, policies: null, workers: null });
  });
});
