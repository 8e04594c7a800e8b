import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { everywhere } from '../auth/principal.ts';
import { callAs, passwordOf } from '../auth/testing/people.ts';
import type { ApiAnswer } from './testing/call-api.ts';
import { firstOf } from './testing/first-of-subscription.ts';
import { graphqlSamples, restSamples, sampleValue } from './testing/matrix-samples.ts';
import type { OpenApi } from './testing/openapi-contract.ts';
import { seedEverything } from './testing/seed-everything.ts';
import { type GraphqlAnswer, type Served, adminPassword, basic, serve } from './testing/serve.ts';
import { type RootField, documentOf, outputFields, rootFields, runningSchema } from './testing/walk-schema.ts';

const masterKeyHex = '5a'.repeat(32);
/** What must be in no answer, no log line and no event, by what it is. */
const canaries = new Map<string, string>([
  ['the value of a secret', sampleValue],
  ['the admin’s password', adminPassword],
  ['a user’s password', passwordOf('idle')],
  ['the master key', masterKeyHex],
]);

/** What each field is asked with: as the matrix does, or, where that comes upon nothing, with what is there. */
const samples: typeof graphqlSamples = {
  ...graphqlSamples,
  apiKey: { '': () => ({ name: 'limited' }) },
  authorities: { 'of agents': () => ({ kind: 'GATEWAY' }), 'of clients': () => ({ kind: 'CLIENT' }) },
};

/** Fields of answers in which there is nothing here, and why. */
const neverTold: readonly string[] = [
  // Nothing is broken.
  'AuditTrailFault.id AuditTrailFault.index AuditTrailFault.kind AuditTrailFault.message AuditTrailReport.faults AuditTrailReport.first',
  'DamagedVersion.isCurrent DamagedVersion.secret DamagedVersion.version Keys.damaged Keys.unopenable Explanation.problem',
  // No key and no authority was replaced, or is waited for; none came from elsewhere, or from an earlier release.
  'KeyTerm.retiredAt Keys.waitingFor Authority.replacedAt Authority.constraints Authority.unrecordedUntil',
  // Who asks is no key.
  'Caller.owner',
].flatMap((fields) => fields.split(' '));

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
  await seedEverything(api, sampleValue);
  await told('an agent’s token', '/api/agents', { name: 'told' });
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

/** Asks as the admin, as nobody, and with each argument as something that it is not, and that must not be quoted. */
async function askAll(root: RootField, { query, variables }: ReturnType<typeof documentOf>): Promise<ApiAnswer> {
  const wrong = Object.fromEntries(Object.keys(variables).map((name) => [name, { x: sampleValue }]));
  const ask = (headers: Record<string, string>, given: typeof variables) =>
    root.operation === 'subscription'
      ? firstOf(api, headers, { query, variables: given })
      : callAs(api, headers, 'POST', '/graphql', { query, variables: given });
  const admin = basic('admin', adminPassword);
  const answer = await ask(admin, variables);
  for (const each of [answer, await ask({}, variables), await ask(admin, wrong)]) check(query, each);
  return answer;
}

/** An owner is told what he asks for, whole; a write that is refused is told so in its payload. */
function expectTold({ operation, field }: RootField, { json, text }: ApiAnswer): void {
  const { data, errors } = json as GraphqlAnswer;
  // Its password is not the right one, and it has no payload.
  if (field.name === 'changePassword') return;
  expect(errors, `${operation} ${field.name}: ${text.slice(0, 500)}`).toBeUndefined();
  expect(data?.[field.name], `${operation} ${field.name}`).not.toBeNull();
  expect(data?.[field.name], `${operation} ${field.name}`).toBeDefined();
}

/** Every field of an answer that has something in it, as `Type.field`. */
function addTold(told: Set<string>, value: unknown): void {
  if (Array.isArray(value)) for (const item of value) addTold(told, item);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { __typename: type, ...fields } = value as Record<string, unknown>;
  for (const [name, content] of Object.entries(fields)) {
    if (content !== null && !(Array.isArray(content) && content.length === 0)) told.add(`${String(type)}.${name}`);
    addTold(told, content);
  }
}

describe('values, tokens, passwords and keys', { timeout: 300_000 }, () => {
  it('are in no field of the running schema, all the way down, also when the call is refused', async () => {
    const schema = await runningSchema(api);
    const told = new Set<string>();
    for (const root of rootFields(schema))
      for (const sample of Object.values(samples[root.field.name] ?? { '': () => ({}) })) {
        const answer = await askAll(root, documentOf(root, { first: 20, ...(await sample(api, calls++)) }, 6));
        expectTold(root, answer);
        if (root.operation !== 'mutation') addTold(told, (answer.json as GraphqlAnswer).data);
      }
    // What none of them has is not walked: it is known, and why.
    const untold = outputFields(schema).filter((name) => !told.has(name));
    expect(untold).toEqual([...neverTold].sort());
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
          const answer = await api.call(verb, at(), body);
          check(`${verb} ${path}`, answer);
          if (verb === 'GET') expect(answer.status, `${verb} ${path}: ${answer.text}`).toBe(200);
          check(`${verb} ${path}`, await api.call(verb, `${at(sampleValue)}?x=${sampleValue}`, body));
          if (verb === 'GET') continue;
          check(
            `${verb} ${path}`,
            await api.call(verb, at(), { x: sampleValue, name: sampleValue, value: [sampleValue] }),
          );
          check(`${verb} ${path}`, await api.call(verb, at(), `{"value":"${sampleValue}`));
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
