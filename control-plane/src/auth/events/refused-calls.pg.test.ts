import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { basic, type Served, serve } from '../../api/testing/serve.ts';
import { everywhere } from '../principal.ts';
import { callAs, makeKey, makeUser, passwordOf } from '../testing/people.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await makeUser(api, 'aud', everywhere('agent-manager'));
});
beforeEach(() => api.database.query("DELETE FROM admin_event WHERE outcome = 'refused'"));
afterAll(() => api.stop());

/** The actions of the refused tries, as recorded. */
async function recorded(): Promise<string[]> {
  const rows = await api.database.query<{ action: string }[]>(
    "SELECT action FROM admin_event WHERE outcome = 'refused' ORDER BY at",
  );
  return rows.map(({ action }) => action);
}

describe('a refused call', () => {
  it('is recorded by the head of a path that is served, and by nothing that its caller has made up', async () => {
    const pasted = `sk-live-${'A'.repeat(15_000)}`;
    for (const path of [`/api/${pasted}`, `/api/secrets/${pasted}`, `/api/secrets%2F${pasted}`])
      expect((await callAs(api, {}, 'GET', path)).status).toBe(401);
    expect(await recorded()).toEqual(['GET elsewhere', 'GET /api/secrets', 'GET elsewhere']);
  });

  it('of GraphQL is recorded by the field’s own name, whatever it is to be called in the answer', async () => {
    const alias = `sk_live_${'A'.repeat(15_000)}`;
    const query = `mutation { ${alias}: changePassword(currentPassword: "x", password: "x") { change } }`;
    const key = await makeKey(api, basic('aud', passwordOf('aud')), { name: 'aud' });
    await callAs(api, key, 'POST', '/graphql', { query });
    expect(await recorded()).toEqual(['mutation changePassword']);
  });
});
