import { execute, parse } from 'graphql/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { buildSchema } from '../api/build-schema.ts';
import { executionSchema } from '../api/execution-schema.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { WorkerResolver } from './worker.resolver.ts';
import { WorkerService } from './worker.service.ts';
import { WorkerStore } from './worker-store.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let store: WorkerStore;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  store = new WorkerStore(services.dataSource);
});
afterAll(() => services.close());
beforeEach(() => services.dataSource.query('DELETE FROM worker'));

const load = { connections: 3, requestsPerSecond: 0.5, cpuShare: 0.25, memoryBytes: 9_000_000_000, spoolBytes: null };
const report = { bootId: 'a', version: '1', appliedRevision: 9, startedAtMs: 1_000, terms: [1], ...load };

const told = (name: string, differences: Readonly<Record<string, unknown>>) =>
  services.dataSource.query('SELECT worker_heartbeat($1)', [{ ...report, name, ...differences }]);

/** The workers by GraphQL: nothing that a worker reports may keep anybody from seeing the others. */
async function shown(): Promise<unknown> {
  const resolvers = new Map([[WorkerResolver, new WorkerResolver(new WorkerService(store, services.change))]]);
  return execute({
    schema: executionSchema(buildSchema(resolvers)),
    document: parse(`{ workers { nodes { name appliedRevision startedAt
      load { connections requestsPerSecond cpuShare memoryBytes spoolBytes } } } }`),
    contextValue: { principal: owner },
  });
}

describe('WorkerStore', () => {
  it('tells what workers reported', async () => {
    await told('w-1', {});
    const { items } = await store.list({});
    expect(items).toMatchObject([{ name: 'w-1', appliedRevision: 9, startedAt: new Date(1_000), isLive: true, load }]);
  });

  it.each(['connections', 'requestsPerSecond', 'cpuShare', 'memoryBytes'])(
    'gives no load of which %s is missing',
    async (part) => {
      await told('w-1', { [part]: null });
      expect((await store.list({})).items).toMatchObject([{ name: 'w-1', load: null }]);
    },
  );

  it.each([
    { appliedRevision: 2 ** 31 },
    { appliedRevision: '9223372036854775807' },
    { memoryBytes: '9223372036854775807' },
    { memoryBytes: null },
    { requestsPerSecond: 'NaN' },
    { cpuShare: '-Infinity' },
    { startedAtMs: 'Infinity' },
    { startedAtMs: '-Infinity' },
    { startedAtMs: 9e15 },
  ])('can be shown whatever a worker reports: %o', async (differences) => {
    await told('w-1', {});
    await told('w-2', differences);
    const answer = await shown();
    expect(answer).not.toHaveProperty('errors');
    expect(answer).toMatchObject({ data: { workers: { nodes: [{ name: 'w-1', load }, { name: 'w-2' }] } } });
    expect((await store.list({})).items.map(({ startedAt }) => startedAt.toISOString())).toHaveLength(2);
  });
});
