import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Assignment, everywhere } from '../auth/principal.ts';
import { callAs, makeKey, makeUser, passwordOf } from '../auth/testing/people.ts';
import { type GraphqlAnswer, type Served, serve } from './testing/serve.ts';

type Headers = Record<string, string>;
let api: Served;
const callers = new Map<string, Headers>();
/** Ids by the names of what they are of. */
const ids = new Map<string, string>();

beforeAll(async () => {
  api = await serve(await freshDatabase());
  for (const environment of ['prod', 'staging']) await seed(environment);
  const people: Record<string, readonly Assignment[]> = {
    'auditor of all': everywhere('auditor'),
    'reader of all and admin of staging': [
      { role: 'auditor', environments: ['*'] },
      { role: 'admin', environments: ['staging'] },
    ],
    'admin of all': everywhere('admin'),
    'operator of staging': [{ role: 'operator', environments: ['staging'] }],
    'admin of staging': [{ role: 'admin', environments: ['staging'] }],
    'auditor of staging': [{ role: 'auditor', environments: ['staging'] }],
  };
  for (const [who, roles] of Object.entries(people)) callers.set(who, await login(who.replaceAll(' ', '-'), roles));
  const admin = await login('adas', everywhere('admin'));
  callers.set('key that updates users', await makeKey(api, admin, { name: 'updates', actions: ['user:update'] }));
  callers.set('key that deletes users', await makeKey(api, admin, { name: 'deletes', actions: ['user:delete'] }));
  for (const name of ['updates', 'deletes']) await keep(`apiKey(name: "${name}")`, `key ${name}`);
  for (const name of ['admin', 'adas']) await keep(`user(name: "${name}")`, `user ${name}`);
}, 120_000);
afterAll(() => api?.stop());

async function login(name: string, roles: readonly Assignment[]): Promise<Headers> {
  await makeUser(api, name, roles);
  const answer = await callAs(api, {}, 'POST', '/api/login', { user: name, password: passwordOf(name), token: true });
  return { authorization: `Bearer ${(answer.json as { token: string }).token}` };
}

async function seed(environment: string): Promise<void> {
  const secret = `${environment}/k`;
  await api.call('POST', '/api/secrets', { name: secret, value: 'x', alias: { prefix: 'sk-' } });
  await api.call('PUT', `/api/secrets/${encodeURIComponent(secret)}`, { value: 'y' });
  await api.call('PUT', `/api/rotations/${encodeURIComponent(secret)}`, generated);
  const rules = [{ allow: { hosts: ['a.example'], secrets: [secret] } }];
  await api.call('POST', '/api/policies', { name: `p-${environment}`, agents: [], rules });
  const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
  await api.call('POST', '/api/routes', { name: `r-${environment}`, secret, hosts: ['a.example'], inject });
  await keep(`secret(name: "${secret}")`, `secret ${environment}`);
  await keep(`policy(name: "p-${environment}")`, `policy ${environment}`);
  await keep(`route(name: "r-${environment}")`, `route ${environment}`);
}

async function keep(field: string, as: string): Promise<void> {
  const { data } = (await api.graphql(`{ object: ${field} { id } }`)) as { data: { object: { id: string } } };
  ids.set(as, data.object.id);
}

const generated = { generate: {}, watchSeconds: 0, graceSeconds: 0 };
const recipe = 'recipe: { generate: {}, watchSeconds: 0, graceSeconds: 0 }';
const written = '{ change revision errors { code field message } }';

/** Each field that names an object, with its arguments beside the one that says which; `at` stands for that one. */
const ofSecrets: readonly (readonly [field: string, text: string])[] = [
  ['secret', 'query { r: secret(at) { name } }'],
  ['secretVersions', 'query { r: secretVersions(at) { version } }'],
  ['secretDependents', 'query { r: secretDependents(at) { policies } }'],
  ['upsertSecret', `mutation { r: upsertSecret(at, input: { description: "d" }) ${written} }`],
  ['upsertSecret, named', `mutation { r: upsertSecret(at, input: { name: "staging/k", value: "v" }) ${written} }`],
  ['rollBackSecret', `mutation { r: rollBackSecret(at, version: 1) ${written} }`],
  ['rotateSecret', `mutation { r: rotateSecret(at, value: "z") ${written} }`],
  ['rotateSecretAlias', `mutation { r: rotateSecretAlias(at) ${written} }`],
  ['destroySecretVersion', `mutation { r: destroySecretVersion(at, version: 1) ${written} }`],
  ['deleteSecret', `mutation { r: deleteSecret(at) ${written} }`],
];
const ofRotations: readonly (readonly [field: string, text: string])[] = [
  ['rotation', 'query { r: rotation(at) { secret } }'],
  ['rotationRuns', 'query { r: rotationRuns(at) { secret } }'],
  ['setRotation', `mutation { r: setRotation(at, ${recipe}) ${written} }`],
  ['runRotation', `mutation { r: runRotation(at) ${written} }`],
  ['cancelRotation', `mutation { r: cancelRotation(at) ${written} }`],
  ['deleteRotation', `mutation { r: deleteRotation(at) ${written} }`],
];
const ofDocuments: readonly (readonly [kind: string, text: string])[] = [
  ['policy', 'query { r: policy(at) { name } }'],
  ['policy', `mutation { r: upsertPolicy(at, input: { mode: MONITOR }) ${written} }`],
  ['policy', `mutation { r: deletePolicy(at) ${written} }`],
  ['route', 'query { r: route(at) { name } }'],
  ['route', `mutation { r: deleteRoute(at) ${written} }`],
];

/** The whole answer to a document as somebody, but for the request's id. */
async function asked(who: string, text: string, at: string): Promise<GraphqlAnswer> {
  const query = text.replace('(at', `(${at}`);
  const headers = callers.get(who);
  const answer =
    headers === undefined
      ? await api.call('POST', '/graphql', { query })
      : await callAs(api, headers, 'POST', '/graphql', { query });
  return JSON.parse(answer.text.replaceAll(/"requestId":"[^"]*"/g, '"requestId":""')) as GraphqlAnswer;
}

const stored = () =>
  api.database.query(
    `SELECT (SELECT revision FROM config_state), (SELECT json_agg(s.* ORDER BY id) FROM secret s),
       (SELECT json_agg(v.* ORDER BY secret_id, version) FROM secret_version v), (SELECT json_agg(r.* ORDER BY id) FROM rotation r),
       (SELECT count(*) FROM rotation_run), (SELECT json_agg(u.* ORDER BY id) FROM user_account u),
       (SELECT json_agg(p.* ORDER BY id) FROM policy p), (SELECT json_agg(p.* ORDER BY id) FROM route p)`,
  );

const limited = ['operator of staging', 'admin of staging', 'auditor of staging'];

describe('an id of what somebody may not see', () => {
  const attacks = [
    ...ofSecrets.map(([field, text]) => [field, text, 'id', 'secret'] as const),
    ...ofRotations.map(([field, text]) => [field, text, 'secretId', 'secret'] as const),
    ...ofDocuments.map(([kind, text]) => [`${kind} of ${text.slice(0, 30)}`, text, 'id', kind] as const),
  ];
  it.each(attacks)('is answered by %s as one that is not there, and nothing is done', async (_, text, key, kind) => {
    const before = await stored();
    for (const who of limited) {
      const prod = await asked(who, text, `${key}: "${ids.get(`${kind} prod`)}"`);
      expect(prod, who).toEqual(await asked(who, text, `${key}: "${randomUUID()}"`));
      expect(JSON.stringify(prod), who).not.toContain('prod');
      // Only what is done to nothing may be said to have been done.
      const { r } = (prod.data ?? {}) as { r?: { change: string | null } | null };
      expect([null, undefined, 'UNCHANGED']).toContain(r?.change);
    }
    expect(await stored()).toEqual(before);
  });

  it.each([
    ['key that updates users', `mutation { r: resetUser(at) ${written} }`],
    ['key that updates users', `mutation { r: updateUser(at, input: { isDisabled: true }) ${written} }`],
    ['key that deletes users', `mutation { r: deleteUser(at) ${written} }`],
    ['operator of staging', 'query { r: user(at) { name } }'],
    ['operator of staging', `mutation { r: resetUser(at) ${written} }`],
    ['operator of staging', `mutation { r: deleteUser(at) ${written} }`],
  ])('is so of a user, for the %s: %s', async (who, text) => {
    const before = await stored();
    const owner = await asked(who, text, `id: "${ids.get('user admin')}"`);
    expect(owner).toEqual(await asked(who, text, `id: "${randomUUID()}"`));
    expect(await stored()).toEqual(before);
  });

  it('is so of an API key of somebody else', async () => {
    const text = ['query { r: apiKey(at) { name } }', `mutation { r: revokeApiKey(at) ${written} }`];
    for (const one of text) {
      const anothers = await asked('operator of staging', one, `id: "${ids.get('key updates')}"`);
      expect(anothers).toEqual(await asked('operator of staging', one, `id: "${randomUUID()}"`));
    }
    expect((await api.call('GET', '/api/api-keys/updates')).status).toBe(200);
  });
});

describe('an id of what somebody may see, and not write', () => {
  const ofProd = [
    ...ofSecrets.slice(3).map(([, text]) => [text, 'id'] as const),
    ...ofRotations.slice(2).map(([, text]) => [text, 'secretId'] as const),
  ];
  it.each(ofProd)('is refused: %s', async (text, key) => {
    const before = await stored();
    const at = `${key}: "${ids.get('secret prod')}"`;
    for (const who of ['auditor of all', 'reader of all and admin of staging'])
      expect((await asked(who, text, at)).errors?.[0]?.extensions['code'], who).toBe('FORBIDDEN');
    expect(await stored()).toEqual(before);
  });

  it('is refused to an admin, of an owner', async () => {
    const at = `id: "${ids.get('user admin')}"`;
    for (const text of ['resetUser(at)', 'deleteUser(at)', 'updateUser(at, input: { isDisabled: true })']) {
      const answer = await asked('admin of all', `mutation { r: ${text} ${written} }`, at);
      expect(answer.errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    }
  });
});

describe('an id, in place of a name', () => {
  it('reads the same', async () => {
    for (const [, text] of [...ofSecrets, ...ofRotations].filter(([, each]) => each.startsWith('query'))) {
      const isSecret = ofSecrets.some(([, each]) => each === text);
      const [name, id] = isSecret ? ['name', 'id'] : ['secret', 'secretId'];
      const byId = await asked('operator of staging', text, `${id}: "${ids.get('secret staging')}"`);
      expect(byId.errors).toBeUndefined();
      expect(byId).toEqual(await asked('operator of staging', text, `${name}: "staging/k"`));
    }
    expect(
      (await asked('admin of all', 'query { r: user(at) { name } }', `id: "${ids.get('user adas')}"`)).data,
    ).toEqual({
      r: { name: 'adas' },
    });
    expect(
      (await asked('admin of all', 'query { r: apiKey(at) { name } }', `id: "${ids.get('key updates')}"`)).data,
    ).toEqual({ r: { name: 'updates' } });
  });

  it('writes the same, and the record has the name', async () => {
    const at = (key: string) => `${key}: "${ids.get('secret staging')}"`;
    const change = async (who: string, text: string, where: string) =>
      ((await asked(who, text, where)).data?.['r'] as { change: string | null; errors: unknown[] } | undefined)?.change;
    const done: (string | null | undefined)[] = [];
    for (const [field, text] of ofRotations.slice(2)) {
      // No leader works here, which would bring the run that was cancelled to its end.
      if (field === 'deleteRotation') await api.database.query('DELETE FROM rotation_run');
      const who = field === 'runRotation' ? 'operator of staging' : 'admin of staging';
      done.push(await change(who, text, at('secretId')));
    }
    expect(done.splice(0)).toEqual(['UNCHANGED', 'CREATED', 'UPDATED', 'DELETED']);
    for (const [, text] of ofSecrets.slice(3)) done.push(await change('admin of staging', text, at('id')));
    expect(done).toEqual([...Array<string>(6).fill('UPDATED'), 'DELETED']);
    const events = await api.database.query<{ object_name: string; action: string }[]>(
      `SELECT DISTINCT object_name FROM admin_event WHERE outcome = 'done' AND object_kind = 'secret' AND principal LIKE '%of-staging'`,
    );
    expect(events).toEqual([{ object_name: 'staging/k' }]);
  });

  it('updates, resets, deletes and revokes', async () => {
    const write = async (field: string, id: string, more = '') => {
      const answer = await asked('admin of all', `mutation { r: ${field}(at${more}) ${written} }`, `id: "${id}"`);
      return (answer.data as { r: { change: string } }).r.change;
    };
    const user = ids.get('user adas') ?? '';
    expect(await write('updateUser', user, ', input: { roles: [{ role: AUDITOR, environments: ["*"] }] }')).toBe(
      'UPDATED',
    );
    expect(await write('resetUser', user)).toBe('UPDATED');
    expect(await write('revokeApiKey', ids.get('key deletes') ?? '')).toBe('DELETED');
    expect((await api.call('GET', '/api/api-keys/deletes')).status).toBe(404);
    expect(await write('deleteUser', user)).toBe('DELETED');
    expect(await write('deleteUser', user)).toBe('UNCHANGED');
    const names = await api.database.query<object[]>(
      "SELECT DISTINCT object_name AS name FROM admin_event WHERE action IN ('user:update', 'user:delete', 'api-key:revoke') AND principal = 'user:admin-of-all' AND outcome = 'done' ORDER BY 1",
    );
    expect(names).toEqual([{ name: 'adas' }, { name: 'deletes' }]);
  });

  it('is given alone, and is one', async () => {
    const fields = [
      ...ofSecrets.filter(([field]) => !field.startsWith('upsert')).map(([, text]) => [text, 'name', 'id'] as const),
      ...ofRotations.map(([, text]) => [text, 'secret', 'secretId'] as const),
      ...['resetUser(at)', 'deleteUser(at)', 'updateUser(at, input: {})', 'revokeApiKey(at)'].map(
        (text) => [`mutation { r: ${text} ${written} }`, 'name', 'id'] as const,
      ),
      ...['user', 'apiKey'].map((field) => [`query { r: ${field}(at) { name } }`, 'name', 'id'] as const),
    ];
    for (const [text, name, id] of fields) {
      const invalid = { code: 'INVALID', field: name };
      for (const at of [`${name}: "prod/k", ${id}: "${ids.get('secret prod')}"`, `${name}: null`]) {
        const { data, errors } = await asked('', text, at);
        const payload = data?.['r'] as { errors: object[] } | null | undefined;
        expect(payload?.errors[0] ?? errors?.[0]?.extensions, text).toMatchObject(invalid);
      }
      for (const wrong of ['prod/k', "' OR true --", '']) {
        const { data, errors = [] } = await asked('', text, `${id}: ${JSON.stringify(wrong)}`);
        const payload = data?.['r'] as { change: string | null; errors: { code: string }[] } | null | undefined;
        const code = payload?.errors[0]?.code ?? errors[0]?.extensions['code'];
        expect([undefined, 'NOT_FOUND'], text).toContain(code);
        expect(payload?.change ?? 'UNCHANGED', text).toBe('UNCHANGED');
      }
    }
  });
});
