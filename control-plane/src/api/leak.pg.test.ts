import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, adminPassword, serve } from './testing/serve.ts';

const canary = 'sk-Canary9f2c71ValueThatMustNotComeOut';
/** The value in the forms in which it could hide. */
const forms = [
  canary,
  Buffer.from(canary).toString('base64').slice(0, -2),
  Buffer.from(canary).toString('hex'),
  encodeURIComponent(canary),
];
const name = 'prod/canary';
const path = `/api/secrets/${encodeURIComponent(name)}`;

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

function expectNone(where: string, text: string): void {
  for (const form of forms) expect(text.includes(form), where).toBe(false);
}

describe('a secret’s value', () => {
  it('is in no answer of REST, whether the call is good or bad', async () => {
    const calls: [string, string, unknown?][] = [
      ['POST', '/api/secrets', { name, value: canary, description: 'd', binding: { hosts: ['api.openai.com'] } }],
      ['POST', '/api/secrets', { name, value: canary }],
      ['POST', '/api/secrets', { name: 'Bad', value: canary }],
      ['POST', '/api/secrets', { name: 'prod/other', value: `${canary}\n` }],
      ['POST', '/api/secrets', { name: 'prod/other', value: [canary] }],
      ['POST', '/api/secrets', `{"name":"prod/other","value":"${canary}`],
      ['POST', '/api/secrets', `"${canary}"`],
      ['PUT', path, { value: canary }],
      ['PUT', path, { binding: { hosts: ['api.openai.com', 'api.other.com'] } }],
      ['PUT', path, { value: canary, nonsense: true }],
      ['PUT', '/api/secrets/prod%2Fnone', { value: canary }],
      ['POST', '/api/agents', { name: 'reader' }],
      ['POST', '/api/agents/reader/rotate'],
      [
        'POST',
        '/api/policies',
        { name: 'p', agents: ['reader'], rules: [{ allow: { hosts: ['api.openai.com'], secrets: [name] } }] },
      ],
      ['PUT', '/api/policies/p', { agents: ['reader'], rules: [] }],
      ...[
        '/api/secrets',
        path,
        '/api/agents',
        '/api/agents/reader',
        '/api/policies',
        '/api/policies/p',
        '/api/audit',
        '/api/workers',
        '/health',
        '/metrics',
        '/readyz',
        '/livez',
        '/ca.pem',
        '/api/none',
      ].map((read): [string, string] => ['GET', read]),
    ];
    for (const [method, target, body] of calls) {
      const answer = await api.call(method, target, body);
      expect(answer.status, `${method} ${target}`).toBeLessThan(500);
      expectNone(`${method} ${target}`, answer.text + JSON.stringify(answer.headers));
    }
  });

  it('is in no answer of GraphQL, whether the document is good or bad', async () => {
    const create =
      'mutation($i: SecretInput!) { upsertSecret(input: $i) { object { name description fingerprint } change errors { code field message } } }';
    const update = `mutation($i: SecretInput!) { upsertSecret(input: $i) { object { name versions fingerprint } change errors { code message } } }`;
    const everything = `{ secrets { nodes { id name description binding { hosts surfaces } version versions isDisabled fingerprint valueSetAt createdAt updatedAt } pageInfo { endCursor } }
      agents { nodes { name tokens { prefix } } } policies { nodes { name rules { allow { hosts secrets } } } } auditEvents { nodes { id path } } workers { nodes { name } } revision }`;
    const calls: [string, object?][] = [
      [create, { i: { name: 'prod/second', value: canary } }],
      [create, { i: { name: 'prod/second', value: canary } }],
      [create, { i: { name: 'Bad', value: canary } }],
      [create, { i: { name: 'prod/x', value: canary, extra: canary } }],
      [create, { i: { name: 'prod/x', value: { deep: canary } } }],
      [create, { i: canary }],
      [update, { i: { name, value: canary } }],
      [update, { i: { name, value: `${canary}\0` } }],
      [`mutation { rotateSecret(name: "${name}", value: "${canary}") { object { fingerprint } change } }`],
      [`mutation { upsertSecret(input: { name: "prod/x", value: "${canary}", extra: 1 }) { change } }`],
      [`mutation { upsertSecret(input: { name: "prod/x", value: "${canary}" ) { change } }`],
      [`mutation { upsertSecret(input: "${canary}") { change } }`],
      [`{ secret(name: "prod/x" "${canary}") { name } }`],
      [everything],
    ];
    for (const [query, variables] of calls) {
      const answer = await api.call('POST', '/graphql', { query, variables });
      expect(answer.status).toBeLessThan(500);
      expectNone(query, answer.text);
    }
  });

  it('is in no log line, at any level, and neither is the admin’s password or an agent’s token', async () => {
    const { token } = (await api.call('POST', '/api/agents/reader/rotate')).json as { token: string };
    const lines = api.logLines.join('');
    expect(api.logLines.length).toBeGreaterThan(40);
    expectNone('log', lines);
    for (const text of [adminPassword, token, api.config.databaseUrl]) expect(lines).not.toContain(text);
  });

  it('is in no row of any table', async () => {
    const tables = await api.database.query<{ name: string }[]>(
      `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(tables.length).toBeGreaterThan(15);
    for (const table of tables) {
      const rows = await api.database.query<{ text: string }[]>(`SELECT t::text AS text FROM ${table.name} t`);
      for (const row of rows) expectNone(table.name, row.text);
    }
  });
});
