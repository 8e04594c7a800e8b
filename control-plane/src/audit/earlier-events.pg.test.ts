import { EarlierAuditQueue } from '@onecli/shared/adapters/postgres/testing/earlier-queue';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';
import { sampleEvent } from './testing/sample-event.ts';

const patiently = { timeout: 40_000 };
let api: Served;
let earlier: EarlierAuditQueue;
beforeAll(async () => {
  const connectionString = await freshDatabase();
  api = await serve(connectionString);
  earlier = new EarlierAuditQueue({ connectionString, key: api.keys.auditQueueKey });
});
afterAll(async () => {
  await earlier.close();
  await api.stop();
});

const timeMs = Date.now();

const eventOf = (id: string): AuditEvent => sampleEvent(id, timeMs, { path: '/v1/modèles' });

interface Listed {
  readonly items: readonly { readonly id: string; readonly path: string | null; readonly secrets: readonly string[] }[];
}
async function listed(): Promise<Listed['items']> {
  const { items } = (await api.call('GET', '/api/audit?limit=100')).json as Listed;
  return items;
}

describe('events of workers of the release before the spool', () => {
  it('are written as they come, and leave the queue', async () => {
    await earlier.add('w1-0ld-0', [eventOf('w1-0ld-0'), eventOf('w1-0ld-1')]);
    await expect
      .poll(async () => (await listed()).map(({ id }) => id).toSorted(), patiently)
      .toEqual(['w1-0ld-0', 'w1-0ld-1']);
    expect((await listed())[0]).toMatchObject({ path: '/v1/modèles', secrets: ['prod/openai@1'] });
    await expect.poll(() => earlier.left(), patiently).toBe(0);
  });

  it('are written once, although they came before the product was brought up to date, and come again', async () => {
    await api.plane.auditWriter.close();
    await earlier.add('w1-0ld-2', [eventOf('w1-0ld-2')]);
    await earlier.add('w1-0ld-2-again', [eventOf('w1-0ld-1'), eventOf('w1-0ld-3')]);
    expect(await earlier.left()).toBe(2);
    const again = await serve(api.config.databaseUrl);
    try {
      await expect.poll(() => earlier.left(), patiently).toBe(0);
      const ids = (await listed()).map(({ id }) => id).toSorted();
      expect(ids).toEqual(['w1-0ld-0', 'w1-0ld-1', 'w1-0ld-2', 'w1-0ld-3']);
    } finally {
      await again.stop();
    }
  });
});
