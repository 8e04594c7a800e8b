import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, makeUser, passwordOf } from '../auth/testing/people.ts';
import type { ApiAnswer } from './testing/call-api.ts';
import { graphqlSamples, restSamples } from './testing/matrix-samples.ts';
import type { OpenApi } from './testing/openapi-contract.ts';
import { type Served, adminPassword, serve } from './testing/serve.ts';
import { documentOf, rootFields, runningSchema } from './testing/walk-schema.ts';

const masterKeyHex = '5a'.repeat(32);
const value = 'sk-Canary41d7ValueThatMustNotComeOut';
/** What must be in no answer, no log line and no event, by what it is. */
const canaries = new Map<string, string>([
  ['the value of a secret', value],
  ['a former value', `${value}-1`],
  ['the admin’s password', adminPassword],
  ['a user’s password', passwordOf('idle')],
  ['the master key', masterKeyHex],
]);

let api: Served;
let calls = 0;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  const { database } = api;
  const told = async (what: string, path: string, body: object, field = 'token') => {
    const answer = await api.call('POST', path, body);
    const token = (answer.json as Record<string, unknown>)[field];
    if (typeof token !== 'string') throw new Error(`${what}: ${answer.text}`);
    canaries.set(what, token);
  };
  await makeUser(api, 'idle', everywhere('auditor'));
  for (const environment of ['prod', 'staging']) {
    const secret = `${environment}/k`;
    await api.call('POST', '/api/secrets', {
      name: secret,
      value: `${value}-1`,
      binding: { hosts: ['a.example'] },
      alias: { prefix: 'sk-' },
    });
    await api.call('PUT', `/api/secrets/${encodeURIComponent(secret)}`, { value });
    const rules = [{ allow: { hosts: ['a.example'], secrets: [secret] } }];
    await api.call('POST', '/api/policies', { name: `p-of-${environment}`, agents: [], rules });
    const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
    await api.call('POST', '/api/routes', { name: `r-of-${environment}`, secret, hosts: ['a.example'], inject });
  }
  await told('an agent’s token', '/api/agents', { name: 'bot' });
  await told('an API key', '/api/api-keys', { name: 'canary' });
  await told('an invitation', '/api/users', { name: 'invited', roles: everywhere('auditor') });
  await told('a session', '/api/login', { user: 'idle', password: passwordOf('idle'), token: true });
  const [authority] = await database.query<{ key: string }[]>(
    `SELECT encode(sealed_key, 'hex') AS key FROM certificate_authority`,
  );
  canaries.set('the sealed key of the authority', authority?.key ?? '');
  canaries.set('the pepper', api.keys.tokenPepper.toString('hex'));
});
afterAll(() => api.stop());

/** A canary in the forms in which it could hide. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  return [canary, bytes.toString('base64').slice(0, -3), bytes.toString('hex'), encodeURIComponent(canary)];
}

function expectNone(where: string, text: string): void {
  for (const [what, canary] of canaries)
    for (const form of formsOf(canary)) if (text.includes(form)) throw new Error(`${what} is in ${where}`);
}

function check(where: string, answer: ApiAnswer): void {
  expect(answer.status, where).toBeLessThan(500);
  expectNone(where, answer.text + JSON.stringify(answer.headers));
}

describe('values, tokens, passwords and keys', { timeout: 300_000 }, () => {
  it('are in no field of the running schema, all the way down, also when the call is refused', async () => {
    let fields = 0;
    for (const root of rootFields(await runningSchema(api))) {
      const { operation, field } = root;
      if (operation === 'subscription') continue;
      for (const sample of Object.values(graphqlSamples[field.name] ?? { '': () => ({}) })) {
        const { query, variables } = documentOf(root, await sample(api, calls++), 6);
        fields += query.split(' ').length;
        check(query, await api.call('POST', '/graphql', { query, variables }));
        check(query, await callAs(api, {}, 'POST', '/graphql', { query, variables }));
        // Each of its arguments as something that it is not, and that must not be quoted.
        const wrong = Object.fromEntries(Object.keys(variables).map((name) => [name, { x: value }]));
        check(query, await api.call('POST', '/graphql', { query, variables: wrong }));
      }
    }
    expect(fields).toBeGreaterThan(300);
  });

  it('are in no answer of any REST route, good or bad', async () => {
    const { paths } = (await api.call('GET', '/api/openapi.json')).json as OpenApi;
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { operationId }] of Object.entries(operations))
        for (const sample of Object.values(restSamples[operationId] ?? { '': () => ({}) })) {
          const { params = {}, body } = await sample(api, calls++);
          const verb = method.toUpperCase();
          const at = (name?: string) =>
            path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
              encodeURIComponent(name ?? String(params[key] ?? 'none')),
            );
          check(`${verb} ${path}`, await api.call(verb, at(), body));
          check(`${verb} ${path}`, await api.call(verb, `${at(value)}?x=${value}`, body));
          if (verb === 'GET') continue;
          check(`${verb} ${path}`, await api.call(verb, at(), { x: value, name: value, value: [value] }));
          check(`${verb} ${path}`, await api.call(verb, at(), `{"value":"${value}`));
        }
  });

  it('are in no log line, and in no admin event', async () => {
    expect(api.logLines.length).toBeGreaterThan(200);
    expectNone('the log', api.logLines.join(''));
    const rows = await api.database.query<{ text: string }[]>('SELECT e::text AS text FROM admin_event e');
    expect(rows.length).toBeGreaterThan(50);
    expectNone('an admin event', rows.map(({ text }) => text).join('\n'));
  });
});
