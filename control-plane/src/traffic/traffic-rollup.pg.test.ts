import type { Socket } from 'node:net';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { AuditPartitions } from '../audit/audit-partitions.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { TrafficRollup } from './traffic-rollup.ts';
import { TrafficStore } from './traffic-store.ts';
import { TrafficService } from './traffic.service.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let audit: AuditStore;
beforeEach(async () => {
  services = await openServices(await freshDatabase());
  audit = new AuditStore(services.dataSource, services.keys.keyring);
  await new AuditPartitions(services.dataSource, { error: () => undefined }).ensure(Date.now());
});
afterEach(() => services.close());

const { signal } = new AbortController();
/** What was written is counted when no earlier transaction can commit any more: neither one of other databases of the server. */
const look = async (batch = 20_000): Promise<void> => {
  const left = 'SELECT FROM audit_event WHERE written_by >= (SELECT written_by FROM traffic_place) LIMIT 1';
  do await new TrafficRollup(services.dataSource, undefined, batch).look(signal);
  while ((await services.dataSource.query<unknown[]>(left)).length > 0);
};
const hourMs = 3_600_000;
let made = 0;

/** Some hours of requests of a few agents to a few hosts, in no order of time. */
function events(count: number): AuditEvent[] {
  return Array.from({ length: count }, () => {
    const index = made++;
    const isDenied = index % 7 === 0;
    return {
      id: `w-boot-${index}`,
      timeMs: Date.now() - 60_000 - ((index * 7_919_113) % (20 * hourMs)),
      worker: 'w',
      revision: 1,
      requestId: 'r',
      agentId: undefined,
      agent: index % 11 === 0 ? undefined : `agent-${index % 5}`,
      decision: isDenied ? 'deny' : 'allow',
      reason: isDenied ? 'POLICY_DENIED' : 'ALLOWED',
      rule: undefined,
      host: `host-${index % 3}.example`,
      port: 443,
      method: 'GET',
      path: '/',
      status: index % 13 === 0 ? 503 : 200,
      latencyMs: (index * 37) % 900,
      requestBytes: 0,
      responseBytes: 0,
      secrets: index % 2 === 0 ? ['prod/k@1'] : [],
      findings: [],
    };
  });
}

const shapes = [
  {},
  { since: 2 },
  { since: 9 },
  { since: 19.5, until: 0.37 },
  { since: 47 },
  { since: 200 },
  { agent: 'agent-1' },
  { host: 'host-2.example', since: 19 },
  { agent: 'agent-1', host: 'host-2.example' },
];

/** Every kind of answer, for one moment: nothing that was told before is told again. */
async function answers(nowMs: number): Promise<unknown[]> {
  const service = new TrafficService(services.dataSource, new TrafficStore(services.dataSource));
  const told: unknown[] = [];
  for (const { since, until, ...filter } of shapes) {
    const times = {
      until: new Date(nowMs - (until ?? 0) * hourMs),
      ...(since && { since: new Date(nowMs - since * hourMs) }),
    };
    told.push(await service.series(owner, { ...times, ...filter }));
    for (const by of ['agent', 'host'] as const)
      told.push(await service.top(owner, by, { ...times, ...filter, limit: 3 }));
  }
  return told;
}

async function forget(): Promise<void> {
  await services.dataSource.query('DELETE FROM traffic');
  await services.dataSource.query('UPDATE traffic_place SET written_by = 0, epoch = -1');
}

describe('TrafficRollup', () => {
  it('gives a connection back with the bound that it came with, also when the first count fails', async () => {
    const bounds = async () => {
      const runner = services.dataSource.createQueryRunner();
      const { connection } = (await runner.connect()) as { connection: { stream: Socket } };
      await runner.release();
      return connection.stream.timeout;
    };
    const before = await bounds();
    await services.dataSource.query('ALTER TABLE traffic RENAME TO gone');
    await expect(look()).rejects.toThrow('traffic');
    expect(await bounds()).toBe(before);
  });

  it('comes to what the events come to, however far it is, and counts none twice', async () => {
    await audit.insert(events(1_500));
    const nowMs = Date.now();
    const counted = await answers(nowMs);
    expect(JSON.stringify(counted)).toContain('"requests":');
    await look();
    expect(await answers(nowMs)).toEqual(counted);
    await look();
    expect(await answers(nowMs)).toEqual(counted);
    // Late ones, of minutes that were counted before: once as events, once as counts.
    for (let round = 0; round < 3; round++) await audit.insert(events(200));
    const more = await answers(nowMs);
    expect(more).not.toEqual(counted);
    await Promise.all([look(250), look(250)]);
    expect(await answers(nowMs)).toEqual(more);
    await forget();
    expect(await answers(nowMs)).toEqual(more);
  });

  it('answers from its counts, and not from the events', async () => {
    await audit.insert(events(300));
    await look();
    const nowMs = Date.now();
    const before = await answers(nowMs);
    await services.dataSource.query('UPDATE traffic SET count = count * 2');
    expect(await answers(nowMs)).not.toEqual(before);
  });

  it('counts anew after a restore, which is another life of the database', async () => {
    await audit.insert(events(100));
    await look();
    await services.dataSource.query('UPDATE config_state SET epoch = epoch + 1');
    await services.dataSource.query("DELETE FROM audit_event WHERE agent = 'agent-1'");
    const nowMs = Date.now();
    const counted = await answers(nowMs);
    await look();
    expect(await answers(nowMs)).toEqual(counted);
    const total = 'SELECT sum(count)::int AS n FROM traffic WHERE grain = 60';
    const [row] = await services.dataSource.query<{ n: number }[]>(total);
    const [kept] = await services.dataSource.query<{ n: number }[]>('SELECT count(*)::int AS n FROM audit_event');
    expect(row?.n).toBe(kept?.n);
  });

  it('tells no count to who may see some environments alone', async () => {
    await audit.insert(events(100));
    await look();
    await services.dataSource.query('UPDATE traffic SET count = 1000000');
    const service = new TrafficService(services.dataSource, new TrafficStore(services.dataSource));
    const limited = { ...owner, assignments: [{ role: 'auditor' as const, environments: ['prod'] }] };
    const { slots } = await service.series(limited, {});
    const requests = slots.reduce((sum, slot) => sum + slot.requests, 0);
    expect(requests).toBe(50);
  });

  it('drops counts that are kept no longer, and none of what is asked for', async () => {
    await audit.insert(events(50));
    await look();
    const rows = async () =>
      (await services.dataSource.query<{ n: number }[]>('SELECT count(*)::int AS n FROM traffic'))[0]?.n;
    const before = await rows();
    await look();
    expect(await rows()).toBe(before);
    await services.dataSource.query("UPDATE traffic SET at = at - interval '30 days' WHERE kind = 'host'");
    await look();
    expect(await rows()).toBeLessThan(before ?? 0);
    await new TrafficRollup(services.dataSource, 0).look(signal);
    expect(await rows()).toBe(0);
  });
});
