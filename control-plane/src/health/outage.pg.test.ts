import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type BreakableDatabase, breakable } from '../api/testing/breakable-database.ts';
import { type Served, basic, serve } from '../api/testing/serve.ts';

let database: BreakableDatabase;
let api: Served;
beforeAll(async () => {
  database = await breakable(await freshDatabase());
  api = await serve(database.url);
});
afterAll(async () => {
  await api.stop();
  await database.close();
});

const status = async (path: string): Promise<number> => (await fetch(api.url + path)).status;
const until = (path: string, expected: number) =>
  vi.waitFor(async () => expect(await status(path)).toBe(expected), 20_000);

describe('while the database is away', () => {
  it('lives, is not ready, answers 503, counts no login as failed, and recovers by itself', async () => {
    expect((await api.call('GET', '/api/secrets')).status).toBe(200);
    await database.cut();
    await until('/readyz', 503);
    expect(await status('/livez')).toBe(200);
    expect(await (await fetch(`${api.url}/health`)).json()).toEqual({
      status: 'unavailable',
      revision: null,
      database: 'down',
      bus: 'down',
      queue: 'down',
    });
    const write = await api.call('POST', '/api/secrets', { name: 'prod/x', value: 'x' });
    expect(write.status).toBe(503);
    expect(write.json).toMatchObject({ error: { code: 'NOT_READY' } });
    expect((await api.graphql('{ revision }')).errors?.[0]?.extensions['code']).toBe('NOT_READY');
    for (let i = 0; i < 12; i++)
      expect((await fetch(`${api.url}/api/secrets`, { headers: basic('admin', `other ${i}`) })).status).toBe(503);
    await database.mend();
    await until('/readyz', 200);
    expect((await fetch(`${api.url}/api/secrets`, { headers: basic('admin', 'other') })).status).toBe(401);
    expect((await api.call('POST', '/api/secrets', { name: 'prod/x', value: 'x' })).status).toBe(201);
  });

  it('is not ready either when the database only hangs, and recovers when it goes on', async () => {
    database.block();
    await until('/readyz', 503);
    expect(await status('/livez')).toBe(200);
    await database.mend();
    await until('/readyz', 200);
    expect((await api.call('GET', '/api/secrets')).status).toBe(200);
  });

  it('says so in the log, and not with every question', () => {
    const lines = api.logLines.filter((line) => /"level":"(?:warn|error)"/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(60);
  });
});
