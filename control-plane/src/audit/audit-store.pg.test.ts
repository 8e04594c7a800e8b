import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { PostgresAuditQueue } from '@onecli/shared/adapters/postgres/audit-queue';
import { trailBatch } from '../../../shared/src/ports/audit-queue.contract.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { AuditStore } from './audit-store.ts';
import { EventIsThere } from './copy-events.ts';
import { sampleEvent } from './testing/sample-event.ts';

let api: Served;
let store: AuditStore;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  store = new AuditStore(api.database, api.keys.keyring);
});
afterAll(() => api.stop());

const baseMs = Date.now() - 60_000;
let sequence = 0;
function event(change: Partial<AuditEvent> = {}): AuditEvent {
  sequence += 1;
  return sampleEvent(`w1-boot-${sequence}`, baseMs + sequence, {
    agentId: '0d6e0b9a-7b3a-4a4e-9d2f-1f7b8f4f3a11',
    requestBytes: 5_000_000_000,
    secrets: ['prod/openai@1', 'prod/"odd", {name}@2'],
    ...change,
  });
}

interface Page {
  items: { id: string; [field: string]: unknown }[];
  next: string | null;
}
const list = async (query = ''): Promise<Page> => (await api.call('GET', `/api/audit${query}`)).json as Page;
const clear = () => api.database.query('DELETE FROM audit_event');

describe('AuditStore', () => {
  it('gives an event back as it was written, in the shape of the API', async () => {
    await clear();
    const written = event({ findings: [{ kind: 'PLACEHOLDER_NOT_BOUND', place: 'x-key' }] });
    await store.insert([written]);
    const { agentId: _, timeMs, ...rest } = written;
    expect(await list()).toEqual({ items: [{ ...rest, time: new Date(timeMs).toISOString() }], next: null });
  });

  it('writes an event once, however often its batch comes', async () => {
    await clear();
    const batch = [event(), event()];
    await store.insert(batch);
    await store.insert([...batch, event()]);
    expect((await list()).items).toHaveLength(3);
  });

  it('finds what somebody should look at, and what failed, without opening what is sealed', async () => {
    await clear();
    const found = event({
      findings: [{ kind: 'PLACEHOLDER_NOT_BOUND', place: 'x-key' }],
      reason: 'PLACEHOLDER_NOT_BOUND',
    });
    const failed = [event({ status: 502 }), event({ status: 0 })];
    const [denied, fine] = [event({ decision: 'deny', status: 0, reason: 'POLICY_DENIED' }), event()];
    await store.insert([found, ...failed, denied, fine]);
    // As an earlier release writes it.
    const early = event();
    await store.insert([early]);
    await api.database.query('UPDATE audit_event SET finding_count = NULL WHERE id = $1', [early.id]);
    const ids = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await ids('?hasFindings=true')).toEqual([found.id]);
    expect(await ids('?hasFindings=false')).toEqual(
      expect.arrayContaining([early.id, fine.id, denied.id, ...failed.map(({ id }) => id)]),
    );
    expect(await ids('?hasFailed=true')).toEqual(failed.map(({ id }) => id).reverse());
    expect(await ids('?hasFailed=false&hasFindings=false')).toEqual([early.id, fine.id, denied.id]);
    expect(await ids('?reason=POLICY_DENIED')).toEqual([denied.id]);
    expect((await api.call('GET', '/api/audit?hasFindings=maybe')).status).toBe(400);
  });

  it('appends what it inserts, to the last column, whatever the texts hold', async () => {
    const odd = ['\t', '\n', '\r', '\\', '\\.', '\\N', '"', "'", '{}', ',', '\0', '\ud800', '\u{1f511}ü', '', ' '];
    const same = { revision: 3, agentId: undefined, latencyMs: 1e21, findings: [] };
    const events = odd.map((text) =>
      event({
        ...same,
        worker: text,
        requestId: `${text}x`,
        agent: text,
        reason: text,
        rule: text,
        host: text,
        method: text,
        secrets: [text, 'b'],
      }),
    );
    events.push(event(), event({ timeMs: 0.7, secrets: [] }), event({ timeMs: Date.UTC(2_095, 11, 31) + 1.5 }));
    events.push(event({ timeMs: Date.UTC(20_000, 0), revision: Number.NaN, responseBytes: 1.9 }));
    const rows = async (how: 'insert' | 'append', some: readonly AuditEvent[]) => {
      await clear();
      await api.database.transaction((manager) => store[how](some, manager));
      return api.database.query<object[]>(
        `SELECT time, id, revision, worker, request_id, agent_id, agent, decision, reason, rule, host, port, method, status, latency_ms,
           request_bytes, response_bytes, finding_count, secrets, written_by IS NULL AS lacks_order, written_at_place IS NULL AS lacks_place
         FROM audit_event ORDER BY id`,
      );
    };
    const inserted = await rows('insert', events);
    expect(inserted).toHaveLength(odd.length + 4);
    // What is of a time that COPY is not given is inserted, with all of its batch.
    expect(await rows('append', events)).toEqual(inserted);
    const usual = events.slice(0, -1);
    expect(await rows('append', usual)).toEqual(
      inserted.filter((row) => (row as { id: string }).id !== events.at(-1)?.id),
    );
    expect((await list()).items.map(({ path }) => path)).toEqual(usual.map(({ path }) => path));
  });

  it('appends nothing at all where one of the events is there already', async () => {
    await clear();
    const [one, two] = [event(), event()];
    const append = (events: readonly AuditEvent[]) =>
      api.database.transaction((manager) => store.append(events, manager));
    await append([one]);
    await expect(append([two, one])).rejects.toThrow(EventIsThere);
    expect((await list()).items.map(({ id }) => id)).toEqual([one.id]);
  });

  it('seals the path: it is nowhere in the table', async () => {
    await clear();
    await store.insert([event({ path: '/v1/canary-path' })]);
    const rows = await api.database.query<{ text: string }[]>('SELECT audit_event::text AS text FROM audit_event');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text).not.toContain('canary');
    expect(rows[0]?.text).not.toContain(Buffer.from('canary').toString('hex'));
    expect(rows[0]?.text).toContain('api.openai.com');
  });

  it.each(['insert', 'append'] as const)(
    'writes what an agent sends to be awkward, so that no batch is stuck for ever: %s',
    async (how) => {
      await clear();
      await api.database.transaction((manager) =>
        store[how](
          [
            event({
              host: 'a\0b',
              method: 'G\0T',
              agent: undefined,
              agentId: undefined,
              rule: undefined,
              status: 0,
              latencyMs: Number.NaN,
              path: '/\0\ud800',
            }),
          ],
          manager,
        ),
      );
      expect((await list()).items).toMatchObject([{ host: 'a\u{fffd}b', agent: null, rule: null, latencyMs: 0 }]);
    },
  );

  it('shows a row that somebody altered without its path, and all others', async () => {
    await clear();
    const [altered, moved, sound] = [event(), event(), event()];
    await store.insert([altered, moved, sound]);
    await api.database.query(
      `UPDATE audit_event SET sealed_detail = set_byte(sealed_detail, 60, get_byte(sealed_detail, 60) # 1) WHERE id = $1`,
      [altered.id],
    );
    await api.database.query(
      `UPDATE audit_event SET sealed_detail = (SELECT sealed_detail FROM audit_event WHERE id = $1) WHERE id = $2`,
      [sound.id, moved.id],
    );
    expect((await list()).items.map(({ path }) => path)).toEqual([sound.path, null, null]);
  });

  it('writes a batch in which everything differs as it writes one in which everything is the same', async () => {
    await clear();
    const same = { agentId: undefined, agent: undefined, rule: undefined, secrets: [], timeMs: baseMs };
    const batches = [
      [event(same), event(same)],
      [
        event({ secrets: [], rule: 'a"b\\c', host: 'NULL', latencyMs: 0.001 }),
        event({ ...same, secrets: ['prod/{x},"y"\\@1'], status: 0, method: 'NULL', requestBytes: 0, decision: 'deny' }),
        event({ path: '/\u{1f511}'.repeat(200), worker: 'w2', revision: 4, port: 1, responseBytes: 2 ** 40 }),
      ],
    ];
    for (const batch of batches) await store.insert(batch);
    const expected = batches.flat().map(({ timeMs, agent = null, rule = null, ...rest }) => ({
      ...rest,
      agent,
      rule,
      time: new Date(timeMs).toISOString(),
    }));
    for (const one of expected) delete (one as { agentId?: string }).agentId;
    const { items } = await list();
    expect(items.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))).toEqual(expected);
  });

  it('writes a thousand in one statement', async () => {
    await clear();
    await store.insert(Array.from({ length: 1000 }, () => event()));
    expect((await list('?limit=200')).items).toHaveLength(200);
  });
});

describe('/api/audit', () => {
  it('filters by agent, host, decision and time', async () => {
    await clear();
    const [a, b, c] = [
      event(),
      event({ agent: 'other', host: 'api.stripe.com' }),
      event({ decision: 'deny', reason: 'POLICY_DENIED' }),
    ];
    await store.insert([a, b, c]);
    const ids = async (query: string) => (await list(query)).items.map((item) => item.id);
    expect(await ids('')).toEqual([c.id, b.id, a.id]);
    expect(await ids('?agent=other')).toEqual([b.id]);
    expect(await ids('?host=API.stripe.com')).toEqual([b.id]);
    expect(await ids('?decision=deny')).toEqual([c.id]);
    expect(await ids('?decision=deny&agent=other')).toEqual([]);
    expect(await ids(`?since=${new Date(b.timeMs).toISOString()}`)).toEqual([c.id, b.id]);
    expect(await ids(`?since=${new Date(b.timeMs).toISOString()}&until=${new Date(c.timeMs).toISOString()}`)).toEqual([
      b.id,
    ]);
    expect(await ids(`?agent=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([]);
  });

  it('neither skips nor repeats an event while others come in, also within one millisecond', async () => {
    await clear();
    const before = Array.from({ length: 45 }, (_, i) => event({ timeMs: baseMs + Math.floor(i / 10) }));
    await store.insert(before);
    const seen: string[] = [];
    let query = '?limit=10';
    for (;;) {
      const { items, next } = await list(query);
      seen.push(...items.map((item) => item.id));
      if (next === null) break;
      await store.insert(Array.from({ length: 3 }, () => event({ timeMs: Date.now() })));
      query = `?limit=10&after=${encodeURIComponent(next)}`;
    }
    expect(seen).toHaveLength(45);
    expect(new Set(seen)).toEqual(new Set(before.map(({ id }) => id)));
  });

  it.each([
    'decision=maybe',
    'since=yesterday',
    'since=2026-13-45',
    'after=nonsense',
    'limit=1000',
    'agents=x',
    'agent=a&agent=b',
    'host=%00',
  ])('refuses the query %s with the field', async (query) => {
    const answer = await api.call('GET', `/api/audit?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: { code: 'INVALID', field: query.slice(0, query.indexOf('=')) } });
  });

  it('is the same over GraphQL', async () => {
    await clear();
    const denied = event({ decision: 'deny', findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }] });
    await store.insert([event(), denied]);
    const { data } = await api.graphql(
      '{ auditEvents(filter: { decision: DENY, since: "2020-01-01T00:00:00Z" }) { nodes { id decision path requestBytes findings { kind place } } } }',
    );
    expect(data).toEqual({
      auditEvents: {
        nodes: [
          {
            id: denied.id,
            decision: 'DENY',
            path: denied.path,
            requestBytes: 5_000_000_000,
            findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }],
          },
        ],
      },
    });
  });
});

describe('AuditWriter', () => {
  it('takes batches from the queue, each event once', async () => {
    await clear();
    const queue = new PostgresAuditQueue({ connectionString: api.config.databaseUrl, key: api.keys.auditQueueKey });
    try {
      await queue.add('w1-batch-1', trailBatch('boot-1', 2));
      await queue.add('w1-batch-1-again', trailBatch('boot-1', 2));
      await queue.add('w1-batch-2', trailBatch('boot-2'));
      await vi.waitFor(async () => expect((await list()).items).toHaveLength(3), 20_000);
    } finally {
      await queue.close();
    }
  });
});
