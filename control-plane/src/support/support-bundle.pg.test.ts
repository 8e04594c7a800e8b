import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, adminPassword, basic, serve } from '../api/testing/serve.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, makeKey, makeUser, passwordOf, signIn } from '../auth/testing/people.ts';
import { readConfig } from '../config.ts';

interface Bundle {
  readonly parts: readonly { readonly name: string; readonly content?: unknown; readonly missing?: string }[];
}

const masterKeyHex = '5a'.repeat(32);
const databasePassword = 'Canary-database-77e1';
const value = 'Canary41d7ValueThatMustNotComeOut';
const hookPassword = 'Canary-hook-5d21';
const typed = 'canary-typed-a17e';
let api: Served;
const canaries = [masterKeyHex, databasePassword, value, hookPassword, typed, adminPassword, passwordOf('carol')];

beforeAll(async () => {
  const { settings } = readConfig({
    DATABASE_URL: `postgres://onecli:${databasePassword}@db.example/onecli`,
    ONECLI_MASTER_KEY: masterKeyHex,
    ONECLI_ADMIN_PASSWORD: adminPassword,
    ONECLI_LOG_LEVEL: 'debug',
  });
  api = await serve(await freshDatabase(), { settings });
  await makeUser(api, 'carol', everywhere('auditor'));
  const cookie = await signIn(api, 'carol');
  canaries.push(cookie.split('=')[1] ?? '');
  await api.call('POST', '/api/secrets', { name: 'prod/k', value, binding: { hosts: ['a.example', 'hook.example'] } });
  await api.call('POST', '/api/secrets', { name: value, value });
  const hook = { url: `https://hook.example/x?password=${hookPassword}`, secret: 'prod/k' };
  expect((await api.call('PUT', '/api/rotations/prod%2Fk', { webhook: hook })).status).toBe(200);
  const agent = (await api.call('POST', '/api/agents', { name: 'bot' })).json as { token: string };
  const admin = basic('admin', adminPassword);
  const key = await makeKey(api, admin, { name: 'x' });
  canaries.push(agent.token, key['authorization']?.slice(7) ?? '');
  await callAs(api, {}, 'POST', '/api/login', { user: value, password: value });
  // Refused, and the name is whatever was typed.
  await callAs(api, { cookie, origin: api.url }, 'POST', '/api/agents', { name: typed });
  await callAs(api, { authorization: `Bearer ${value}` }, 'DELETE', `/api/secrets/${value}`);
});
afterAll(() => api.stop());

/** A canary in the forms in which it could hide. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const inBase64 = [0, 1, 2].map((skip) => {
    const whole = bytes.subarray(skip, skip + Math.floor((bytes.length - skip) / 3) * 3);
    return whole.toString('base64');
  });
  return [canary, ...inBase64, bytes.toString('hex'), encodeURIComponent(canary)];
}

const bundle = async (headers?: Record<string, string>): Promise<Bundle> => {
  const answer = headers
    ? await callAs(api, headers, 'POST', '/api/support-bundle', {})
    : await api.call('POST', '/api/support-bundle');
  expect(answer.status, answer.text).toBe(200);
  expect(canaries.every((canary) => canary.length > 8)).toBe(true);
  expect(canaries.filter((canary) => formsOf(canary).some((form) => answer.text.includes(form)))).toEqual([]);
  return answer.json as Bundle;
};
const missingOf = ({ parts }: Bundle) => parts.flatMap(({ name, missing }) => (missing === undefined ? [] : [name]));

describe('a support bundle', () => {
  it('has every part, and none of the secrets that are everywhere', async () => {
    const { parts } = await bundle();
    expect(parts.map(({ name }) => name)).toEqual([
      'process',
      'settings',
      'health',
      'workers',
      'keys',
      'migrations',
      'database',
      'tables',
      'admin-events',
      'metrics',
    ]);
    expect(parts.filter(({ missing }) => missing !== undefined)).toEqual([]);
    const content = Object.fromEntries(parts.map((part) => [part.name, part.content])) as Record<string, never>;
    expect(content['settings']).toEqual(
      expect.arrayContaining([
        { name: 'DATABASE_URL', isSet: true },
        { name: 'ONECLI_MASTER_KEY', isSet: true },
        { name: 'ONECLI_LOG_LEVEL', isSet: true, shown: 'debug' },
        { name: 'ONECLI_PROXY_URL', isSet: false },
      ]),
    );
    expect(content['tables']).toEqual(
      expect.arrayContaining([expect.objectContaining({ table: 'secret', rows: 1, isEstimate: false })]),
    );
    expect(content['keys']).toMatchObject({ sealingTerm: 1, valuesByTerm: expect.any(Array) as unknown[] });
    expect(content['database']).toMatchObject({ roundTripMs: Array(5).fill(expect.any(Number)) as number[] });
    expect(content['metrics']).toMatch(/^onecli_config_revision [0-9]+$/m);
    expect(JSON.stringify(content['admin-events'])).toContain('"secret:create"');
    expect(JSON.stringify(content['admin-events'])).not.toMatch(/"(?:detail|address)"/);
  });

  it('is for those who may have it alone, and is recorded either way', async () => {
    const cookie = await signIn(api, 'carol');
    const refused = await callAs(api, { cookie, origin: api.url }, 'POST', '/api/support-bundle', {});
    expect([refused.status, (refused.json as { error: { code: string } }).error.code]).toEqual([403, 'FORBIDDEN']);
    const rows = await api.database.query<{ principal: string; outcome: string }[]>(
      `SELECT DISTINCT principal, outcome FROM admin_event WHERE action = 'support-bundle:create' ORDER BY 1, 2`,
    );
    expect(rows).toEqual([
      { principal: 'user:admin', outcome: 'done' },
      { principal: 'user:carol', outcome: 'refused' },
    ]);
  });

  it('leaves out what its caller may not read by itself, and says so', async () => {
    const headers = basic('admin', adminPassword);
    const key = await makeKey(api, headers, { name: 'support', actions: ['support-bundle:create'] });
    const got = await bundle(key);
    expect(missingOf(got)).toEqual(['workers', 'keys', 'admin-events']);
    expect(got.parts.find(({ name }) => name === 'keys')?.missing).toBe('FORBIDDEN: This key may not keys:read');
  });

  it('says what is missing when a part of the database is broken, while a change of the configuration is stuck', async () => {
    const stuck = api.database.createQueryRunner();
    await stuck.connect();
    await stuck.startTransaction();
    try {
      await stuck.query('UPDATE config_state SET revision = revision');
      await api.database.query('ALTER TABLE worker RENAME TO worker_away');
      expect(missingOf(await bundle())).toEqual(['workers', 'keys']);
    } finally {
      await stuck.rollbackTransaction();
      await stuck.release();
      await api.database.query('ALTER TABLE worker_away RENAME TO worker');
    }
    expect(missingOf(await bundle())).toEqual([]);
  });
});
