import type { Onecli } from '../support/start-onecli.ts';
import { type Figures, figuresOf } from './figures.ts';

const rounds = 100;
const pageSizes = [50, 200] as const;

const graphqlFields: Readonly<Record<string, string>> = {
  secrets:
    'id name description alias version versions isDisabled fingerprint valueSetAt createdAt updatedAt binding { hosts surfaces }',
  agents:
    'id name isDisabled createdAt labels { key value } tokens { prefix createdAt expiresAt } identities { token { expiresAt } mtls { commonName } }',
  policies:
    'id name version mode createdAt rules { allow { hosts paths methods secrets } deny { hosts paths methods } }',
  routes: 'id name version secret hosts paths methods problem',
  auditEvents: 'id time agent decision reason host port method path status latencyMs secrets requestId',
  workers: 'name version appliedRevision isLive',
};

/** Where a list is cut for the pages that are measured; undefined: the first page. */
type Cut = string | undefined;

interface List {
  readonly rest: string;
  readonly graphql: string;
  readonly cuts: Readonly<Record<string, Cut>>;
}

/** How long pages of every list take: first, middle and last, small and largest, by REST and by GraphQL, and with filters. */
export async function measureLists(onecli: Onecli, report: (row: Figures & { name: string }) => void): Promise<void> {
  const byName = async (path: string): Promise<List['cuts']> => {
    const names = await sampleNames(onecli, path);
    return { first: undefined, middle: names.middle, last: names.last };
  };
  const lists: List[] = [];
  for (const name of ['secrets', 'agents', 'policies', 'routes'])
    lists.push({ rest: name, graphql: name, cuts: await byName(name) });
  lists.push({ rest: 'audit', graphql: 'auditEvents', cuts: await auditCuts(onecli) });
  lists.push({ rest: 'workers', graphql: 'workers', cuts: { first: undefined } });
  for (const list of lists)
    for (const [place, after] of Object.entries(list.cuts))
      for (const limit of pageSizes) {
        const query = new URLSearchParams({ limit: String(limit), ...(after !== undefined && { after }) }).toString();
        report({
          name: `REST ${list.rest} ${place} ${limit}`,
          ...(await timed(() => onecli.must('GET', `/api/${list.rest}?${query}`))),
        });
        const document = `query($n: Int, $a: String) { ${list.graphql}(first: $n, after: $a) { nodes { ${graphqlFields[list.graphql]} } pageInfo { endCursor } } }`;
        report({
          name: `GraphQL ${list.graphql} ${place} ${limit}`,
          ...(await timed(() => graphql(onecli, document, { n: limit, a: after }))),
        });
      }
  for (const filter of [
    'agent=agent-000500',
    'host=api-77.example.com',
    'decision=deny',
    'agent=agent-000500&decision=deny',
    'agent=none',
    `since=${new Date(Date.now() - 600_000).toISOString()}`,
  ])
    report({
      name: `REST audit ?${filter.replace(/since=.*/, 'since=10 minutes ago')} 200`,
      ...(await timed(() => onecli.must('GET', `/api/audit?limit=200&${filter}`))),
    });
}

async function timed(call: () => Promise<unknown>): Promise<Figures> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await call();
    times.push(performance.now() - startedMs);
  }
  return figuresOf(times);
}

async function graphql(onecli: Onecli, query: string, variables: object): Promise<void> {
  const { errors } = await onecli.must<{ errors?: unknown }>('POST', '/graphql', { query, variables });
  if (errors !== undefined) throw new Error(`${query}: ${JSON.stringify(errors)}`);
}

/** Names in the middle and near the end of a list, which are made by the loader. */
async function sampleNames(onecli: Onecli, list: string): Promise<{ middle: string; last: string }> {
  const prefix = {
    secrets: ['prod/', 'staging/service-0', 'staging/service-099'],
    agents: ['', 'agent-005', 'agent-0099'],
    policies: ['', 'policy-0005', 'policy-00099'],
    routes: ['', 'route-0005', 'route-00099'],
  }[list];
  const middle = await onecli.must<{ items: { name: string }[] }>(
    'GET',
    `/api/${list}?limit=1&after=${encodeURIComponent(prefix?.[1] ?? '')}`,
  );
  const last = await onecli.must<{ items: { name: string }[] }>(
    'GET',
    `/api/${list}?limit=1&after=${encodeURIComponent(prefix?.[2] ?? '')}`,
  );
  return { middle: middle.items[0]?.name ?? 'm', last: last.items[0]?.name ?? 'z' };
}

/** Cursors into the trail: found by asking for what is older than a moment. */
async function auditCuts(onecli: Onecli): Promise<List['cuts']> {
  const newest = await onecli.must<{ next: string }>('GET', '/api/audit?limit=1');
  const oldest = await onecli.must<{ items: { time: string }[]; next: string | null }>(
    'GET',
    `/api/audit?limit=1&until=${new Date(Date.now() - 1000 * 60 * 10).toISOString()}`,
  );
  return { first: undefined, second: newest.next, ...(oldest.next !== null && { middle: oldest.next }) };
}
