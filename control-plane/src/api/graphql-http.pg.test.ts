import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { adminPassword, basic, type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

/** As a client that has signed in. */
const fetchFn = (url: string, { headers, ...request }: RequestInit = {}) =>
  fetch(url, { ...request, headers: { ...(headers as Record<string, string>), ...basic('admin', adminPassword) } });

describe('GraphQL over HTTP, by the audits of its specification', () => {
  const audits = serverAudits({ url: () => `${api.url}/graphql`, fetchFn });

  it('has audits', () => {
    expect(audits.length).toBeGreaterThan(60);
  });

  it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
    expect(await audit.fn()).toMatchObject({ status: 'ok' });
  });
});
