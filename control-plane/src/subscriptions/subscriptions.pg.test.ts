import { once } from 'node:events';
import { PostgresSnapshotSource } from '@onecli/shared/adapters/postgres/snapshot-source';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { adminPassword, basic, type Served, serve } from '../api/testing/serve.ts';
import { fromPage, makeUser, signIn } from '../auth/testing/people.ts';
import { everywhere } from '../auth/principal.ts';
import type { Role } from '../auth/actions.ts';
import { createDataSource } from '../database/data-source.ts';

let api: Served;
let store: AuditStore;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  api = await serve(await freshDatabase());
  store = new AuditStore(api.database, api.keys.keyring);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(() => api.stop());

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 25 });
const admin = basic('admin', adminPassword);
const url = () => `${api.url.replace('http', 'ws')}/graphql`;

function clientAs(headers: Record<string, string>): Client {
  class SignedIn extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  const client = createClient({ url: url(), webSocketImpl: SignedIn, retryAttempts: 0, lazy: true });
  ends.push(() => client.dispose());
  return client;
}

type Data = Record<string, unknown>;
/** What a subscription gives, as it comes; `closed` is how its connection ended. */
function subscribe(query: string, variables: Data = {}, headers = admin) {
  const got: Data[] = [];
  const errors: unknown[] = [];
  const state: { closed?: unknown } = {};
  const end = clientAs(headers).subscribe<Data>(
    { query, variables },
    {
      next: ({ data, errors: failed }) => {
        if (data) got.push(data);
        if (failed) errors.push(...failed);
      },
      error: (error) => (state.closed = error),
      complete: () => undefined,
    },
  );
  ends.push(end);
  return { got, errors, state };
}

let count = 0;
const event = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  id: `w-boot-${++count}`,
  timeMs: 1_700_000_000_000 + count,
  worker: 'w',
  revision: 1,
  requestId: 'r',
  agentId: undefined,
  agent: 'my-agent',
  decision: 'allow',
  reason: 'ALLOWED',
  rule: undefined,
  host: 'a.example',
  port: 443,
  method: 'GET',
  path: '/',
  status: 200,
  latencyMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  secrets: [],
  findings: [],
  ...more,
});

const followed = `subscription($filter: AuditFilterInput, $after: String) {
  auditEventWritten(filter: $filter, after: $after) { cursor node { id host decision path } } }`;
const idsOf = (got: readonly Data[]) =>
  got.map((data) => (data as { auditEventWritten: { node: { id: string } } }).auditEventWritten.node.id);

describe('the subscription of audit events', () => {
  it('gives what is written, by the filters of the list, and goes on after a cursor without a gap', async () => {
    const first = event({ path: '/first' });
    await store.insert([first]);
    const all = subscribe(followed);
    const denied = subscribe(followed, { filter: { decision: 'DENY' } });
    await soon(async () => {
      await store.insert([event({ host: 'warm-up.example' })]);
      return all.got.length;
    }).toBeGreaterThan(0);
    const refused = event({ decision: 'deny', host: 'b.example', path: '/second' });
    const third = event();
    await store.insert([refused]);
    await store.insert([third]);
    await soon(() => idsOf(all.got).includes(third.id)).toBe(true);
    await soon(() => idsOf(denied.got)).toEqual([refused.id]);
    expect(denied.got[0]).toMatchObject({ auditEventWritten: { node: { decision: 'DENY', path: '/second' } } });
    const { cursor } = (denied.got[0] as { auditEventWritten: { cursor: string } }).auditEventWritten;
    const resumed = subscribe(followed, { after: cursor });
    await soon(() => idsOf(resumed.got)).toEqual([third.id]);
    const { data } = await api.graphql('{ auditEvents(first: 200) { edges { cursor node { path } } } }');
    const { edges } = (data as { auditEvents: { edges: { cursor: string; node: { path: string } }[] } }).auditEvents;
    const after = edges.find(({ node }) => node.path === '/first')?.cursor;
    const fromList = subscribe(followed, { after });
    await soon(() => idsOf(fromList.got).slice(-2)).toEqual([refused.id, third.id]);
    expect(idsOf(fromList.got)).not.toContain(first.id);
  });

  it('misses none that a longer transaction commits behind a later one', async () => {
    const other = await createDataSource({
      connectionString: api.config.databaseUrl,
      connectionLost: () => undefined,
    }).initialize();
    ends.push(() => other.destroy());
    const start = event();
    await store.insert([start]);
    const seen = subscribe(followed, { filter: { host: 'order.example' } });
    await soon(async () => {
      await store.insert([event({ host: 'order.example' })]);
      return seen.got.length;
    }).toBeGreaterThan(0);
    const [slow, fast] = [event({ host: 'order.example' }), event({ host: 'order.example' })];
    const runner = other.createQueryRunner();
    await runner.startTransaction();
    const within = new AuditStore(
      { query: (text: string, values: unknown[]) => runner.query(text, values) } as never,
      api.keys.keyring,
    );
    await within.insert([slow]);
    await store.insert([fast]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await runner.commitTransaction();
    await runner.release();
    await soon(() => idsOf(seen.got).slice(-2)).toEqual([slow.id, fast.id]);
  });

  it('refuses a cursor that is none, or whose event is gone', async () => {
    const cursor = Buffer.from('1.gone').toString('base64url');
    for (const after of ['nonsense', cursor]) {
      const { errors, state } = subscribe(followed, { after });
      await soon(() => state.closed ?? errors[0]).toBeDefined();
      expect(JSON.stringify(state.closed ?? errors)).toContain('INVALID');
    }
  });
});

describe('the subscriptions of revisions and workers', () => {
  it('give each revision once, in order, also those from before', async () => {
    const revision = async (name: string) =>
      (
        (await api.graphql(`mutation { upsertAgent(input: { name: "${name}" }) { revision } }`)).data as {
          upsertAgent: { revision: number };
        }
      ).upsertAgent.revision;
    const first = await revision('rev-a');
    const second = await revision('rev-b');
    const { got } = subscribe(
      'subscription($after: Int) { revisionCommitted(after: $after) { revision principal changes { kind operation } } }',
      { after: first - 1 },
    );
    await soon(() => got.length).toBe(2);
    const third = await revision('rev-c');
    await soon(() => got.length).toBe(3);
    expect(got.map((data) => data['revisionCommitted'])).toEqual(
      [first, second, third].map((number) => ({
        revision: number,
        principal: 'user:admin',
        changes: [{ kind: 'agent', operation: 'UPSERT' }],
      })),
    );
  });

  it('give the workers whenever one has applied another revision', async () => {
    const reports = new PostgresSnapshotSource({ connectionString: api.config.databaseUrl });
    ends.push(() => reports.close());
    const report = (appliedRevision: number) =>
      reports.heartbeat({
        name: 'w',
        bootId: 'b',
        version: '0',
        appliedRevision,
        terms: [1],
        isMasterKeyCurrent: true,
        authorities: [],
        startedAtMs: 0,
      });
    const { got } = subscribe('subscription { workersChanged { name appliedRevision isLive } }');
    await report(3);
    await soon(() => got.at(-1)).toEqual({ workersChanged: [{ name: 'w', appliedRevision: 3, isLive: true }] });
    await report(4);
    await soon(() => got.at(-1)).toMatchObject({ workersChanged: [{ appliedRevision: 4 }] });
  });
});

/** A user with a session, as a page of ours sends it. */
async function signedIn(name: string, role: Role): Promise<Record<string, string>> {
  await makeUser(api, name, everywhere(role));
  return fromPage(api, await signIn(api, name));
}

/** A connection that speaks for itself. */
async function connect(headers: Record<string, string>, protocol = 'graphql-transport-ws') {
  const socket = new WebSocket(url(), protocol, { headers });
  ends.push(() => socket.terminate());
  const closes: [number, string][] = [];
  const messages: string[] = [];
  socket.on('close', (code, reason) => closes.push([code, String(reason)]));
  socket.on('message', (data) => messages.push(String(data)));
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('error', () => resolve(0));
  });
  return { socket, status, closes, messages };
}
const init = async ({ socket, messages }: Awaited<ReturnType<typeof connect>>) => {
  socket.send('{"type":"connection_init"}');
  await soon(() => messages.length).toBeGreaterThan(0);
};
const ask = (id: string, query: string, variables?: object) =>
  JSON.stringify({ id, type: 'subscribe', payload: { query, variables } });

describe('the upgrade', () => {
  it.each<[string, number, Record<string, string>, string?]>([
    ['no login', 401, {}],
    ['a wrong password', 401, basic('admin', 'wrong')],
    ['another origin', 403, { ...admin, origin: 'https://evil.example' }],
    ['a page of another site', 403, { ...admin, 'sec-fetch-site': 'cross-site' }],
    ['another protocol', 400, admin, 'graphql-ws'],
    ['the own origin', 101, { ...admin, origin: 'OWN' }],
    ['no origin', 101, admin],
  ])('with %s is answered %i', async (_what, expected, headers, protocol) => {
    const origin = headers['origin'] === 'OWN' ? { origin: api.url } : {};
    expect((await connect({ ...headers, ...origin }, protocol)).status).toBe(expected);
  });

  it('is for the path of GraphQL alone, and other protocols are refused', async () => {
    const other = await fetch(`${api.url}/api/secrets`, { headers: admin });
    expect(other.status).toBe(200);
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/api/secrets`, 'graphql-transport-ws', {
      headers: admin,
    });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(200);
    socket.terminate();
  });
});

describe('a connection', () => {
  it('ends when its user is disabled', async () => {
    const auditor = await signedIn('temp', 'auditor');
    const connection = await connect(auditor);
    await init(connection);
    connection.socket.send(ask('1', 'subscription { workersChanged { name } }'));
    await soon(() => connection.messages.length).toBe(2);
    expect(connection.messages[1]).toContain('"next"');
    await api.graphql(
      'mutation { updateUser(name: "temp", input: { isDisabled: true }) { change errors { message } } }',
    );
    await soon(() => connection.closes).toEqual([[4403, 'UNAUTHENTICATED']]);
  });

  it('is refused what its role may not read', async () => {
    const manager = await signedIn('manager', 'agent-manager');
    const { errors, state } = subscribe(followed, {}, manager);
    await soon(() => state.closed ?? errors[0]).toBeDefined();
    expect(JSON.stringify(state.closed ?? errors)).toContain('FORBIDDEN');
  });

  it.each<[string, string, string]>([
    ['a mutation', 'mutation { deleteAgent(name: "x") { change } }', 'BAD_REQUEST'],
    ['a query', '{ revision }', 'BAD_REQUEST'],
    ['what is no GraphQL', '{ "canary4444', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', 'subscription { canary4444 }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'two roots',
      'subscription { a: workersChanged { name } b: workersChanged { name } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'fragments that go round',
      'subscription { ...a } fragment a on Subscription { ...b } fragment b on Subscription { ...a }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['too many tokens', `subscription { workersChanged { ${'name '.repeat(1200)} } }`, 'GRAPHQL_PARSE_FAILED'],
    [
      'too many aliases',
      `subscription { workersChanged { ${Array.from({ length: 20 }, (_, i) => `a${i}: name`).join(' ')} } }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])('is told what is wrong with %s, and stays', async (_what, query, code) => {
    const connection = await connect(admin);
    await init(connection);
    connection.socket.send(ask('1', query));
    await soon(() => connection.messages.length).toBe(2);
    const { type, payload } = JSON.parse(connection.messages[1] ?? '') as {
      type: string;
      payload: { extensions: { code: string } }[];
    };
    expect(type).toBe('error');
    expect(payload[0]?.extensions.code).toBe(code);
    expect(connection.messages[1]).not.toContain('4444"');
    expect(connection.closes).toEqual([]);
  });

  it('is told of variables of a wrong type without what they held', async () => {
    const connection = await connect(admin);
    await init(connection);
    connection.socket.send(ask('1', followed, { after: { deep: 'canary4444' } }));
    await soon(() => connection.messages.length).toBeGreaterThan(1);
    expect(connection.messages[1]).toContain('BAD_USER_INPUT');
    expect(connection.messages[1]).not.toContain('canary4444');
  });

  it('is ended for a flood, for a message that is too large, and for one that is none', async () => {
    for (const [send, code] of [
      [
        (socket: WebSocket) => {
          for (let i = 0; i < 200; i++) socket.send('{"type":"ping"}');
        },
        4429,
      ],
      [(socket: WebSocket) => socket.send('x'.repeat(100_000)), 1009],
      [(socket: WebSocket) => socket.send('nonsense'), 4400],
    ] as const) {
      const connection = await connect(admin);
      await init(connection);
      send(connection.socket);
      await soon(() => connection.closes[0]?.[0]).toBe(code);
      expect(connection.closes[0]?.[1]).not.toContain('xxx');
    }
  });

  it('has 20 subscriptions at most, and a principal 20 connections', async () => {
    const connection = await connect(admin);
    await init(connection);
    for (let i = 0; i < 21; i++) connection.socket.send(ask(`${i}`, 'subscription { revisionCommitted { revision } }'));
    await soon(() => connection.messages.filter((text) => text.includes('OVERLOADED')).length).toBe(1);
    const more = await Promise.all(Array.from({ length: 20 }, () => connect(admin)));
    expect(more.map(({ status }) => status).sort((one, other) => one - other)).toEqual([
      ...Array.from({ length: 19 }, () => 101),
      503,
    ]);
  });
});
