import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
const generated = { generate: {}, watchSeconds: 0, graceSeconds: 0 };
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await api.call('POST', '/api/secrets', { name: 'prod/a', value: 'x', alias: { prefix: 'sk-' } });
  await api.call('PUT', '/api/secrets/prod%2Fa', { value: 'y' });
  await api.call('POST', '/api/users', { name: 'ann', roles: [{ role: 'auditor', environments: ['*'] }] });
  await api.call('PUT', '/api/rotations/prod%2Fa', generated);
  await api.call('POST', '/api/api-keys', { name: 'ci' });
});
afterAll(() => api?.stop());

const run = async (query: string) => {
  const { data, errors } = await api.graphql(`mutation { result: ${query} { change revision errors { code field } } }`);
  expect(errors).toBeUndefined();
  return data?.['result'];
};
const revisionOf = async (object: string): Promise<number> => {
  const { data } = (await api.graphql(`{ object: ${object} { revision } }`)) as {
    data: { object: { revision: number } };
  };
  return data.object.revision;
};
const stored = () =>
  api.database.query(
    `SELECT (SELECT revision FROM config_state), (SELECT json_agg(u.* ORDER BY id) FROM user_account u),
       (SELECT json_agg(k.* ORDER BY id) FROM api_key k), (SELECT json_agg(r.* ORDER BY id) FROM rotation r),
       (SELECT json_agg(s.* ORDER BY id) FROM secret s), (SELECT count(*) FROM secret_version), (SELECT count(*) FROM admin_event)`,
  );

const ann = 'user(name: "ann")';
const rotation = 'rotation(secret: "prod/a")';
const key = 'apiKey(name: "ci")';
const secret = 'secret(name: "prod/a")';
const roles = (role: string) => `input: { roles: [{ role: ${role}, environments: ["*"] }] }`;
const recipe = (graceSeconds: number) => `recipe: { generate: {}, watchSeconds: 0, graceSeconds: ${graceSeconds} }`;

/** What is written, how it is read, and the write without its condition and its last brace. */
const writes = [
  [ann, `updateUser(name: "ann", ${roles('ADMIN')}`],
  [ann, 'resetUser(name: "ann"'],
  [ann, 'deleteUser(name: "ann"'],
  [rotation, `setRotation(secret: "prod/a", ${recipe(9)}`],
  [rotation, 'deleteRotation(secret: "prod/a"'],
  [key, 'revokeApiKey(name: "ci"'],
  [secret, 'rotateSecret(name: "prod/a", value: "z"'],
  [secret, 'rollBackSecret(name: "prod/a", version: 1'],
  [secret, 'rotateSecretAlias(name: "prod/a"'],
  [secret, 'destroySecretVersion(name: "prod/a", version: 1'],
] as const;

describe('a write with ifRevision', () => {
  it.each(writes)('that %s was written after is refused, and changes nothing: %s …', async (object, write) => {
    const revision = await revisionOf(object);
    const before = await stored();
    expect(await run(`${write}, ifRevision: ${revision - 1})`)).toEqual({
      change: null,
      revision: null,
      errors: [{ code: 'CONFLICT', field: 'ifRevision' }],
    });
    expect(await run(`${write}, ifRevision: -1)`)).toMatchObject({
      errors: [{ code: 'INVALID', field: 'ifRevision' }],
    });
    expect(await stored()).toEqual(before);
  });

  it.each([
    [
      ann,
      (at: number) => [
        `updateUser(name: "ann", ${roles('OPERATOR')}, ifRevision: ${at})`,
        `updateUser(name: "ann", ${roles('ADMIN')}, ifRevision: ${at})`,
      ],
    ],
    [
      ann,
      (at: number) => [
        `updateUser(name: "ann", ${roles('OWNER')}, ifRevision: ${at})`,
        `resetUser(name: "ann", ifRevision: ${at})`,
      ],
    ],
    [
      rotation,
      (at: number) => [
        `setRotation(secret: "prod/a", ${recipe(5)}, ifRevision: ${at})`,
        `setRotation(secret: "prod/a", ${recipe(6)}, ifRevision: ${at})`,
      ],
    ],
  ] as const)('of two who read the same of %s lets one win', async (object, both) => {
    const answers = await Promise.all(both(await revisionOf(object)).map(run));
    const lost = { change: null, revision: null, errors: [{ code: 'CONFLICT', field: 'ifRevision' }] };
    expect(
      answers.filter((answer) => (answer as typeof lost | { change: 'UPDATED' }).change === 'UPDATED'),
    ).toHaveLength(1);
    expect(answers).toContainEqual(lost);
  });

  it('that would change nothing is never refused', async () => {
    await run(`updateUser(name: "ann", ${roles('AUDITOR')})`);
    await run(`setRotation(secret: "prod/a", ${recipe(7)})`);
    const before = await stored();
    expect(await run(`updateUser(name: "ann", ${roles('AUDITOR')}, ifRevision: 0)`)).toMatchObject({
      change: 'UNCHANGED',
    });
    expect(await run(`setRotation(secret: "prod/a", ${recipe(7)}, ifRevision: 0)`)).toMatchObject({
      change: 'UNCHANGED',
    });
    expect(await run('deleteUser(name: "nobody", ifRevision: 9)')).toMatchObject({ change: 'UNCHANGED' });
    expect(await run('deleteRotation(secret: "prod/none", ifRevision: 9)')).toMatchObject({ change: 'UNCHANGED' });
    expect(await run('revokeApiKey(name: "none", ifRevision: 9)')).toMatchObject({ change: 'UNCHANGED' });
    expect(await stored()).toEqual(before);
  });

  it('of what was removed meanwhile is refused, also when another of the name was made', async () => {
    const [user, set, made] = [await revisionOf(ann), await revisionOf(rotation), await revisionOf(key)];
    for (const removal of ['deleteUser(name: "ann")', 'deleteRotation(secret: "prod/a")', 'revokeApiKey(name: "ci")'])
      expect(await run(removal)).toMatchObject({ change: 'DELETED' });
    expect(await run(`setRotation(secret: "prod/a", ${recipe(8)}, ifRevision: ${set})`)).toMatchObject({
      errors: [{ code: 'CONFLICT', field: 'ifRevision' }],
    });
    await api.call('POST', '/api/users', { name: 'ann', roles: [{ role: 'auditor', environments: ['*'] }] });
    await api.call('PUT', '/api/rotations/prod%2Fa', generated);
    await api.call('POST', '/api/api-keys', { name: 'ci' });
    const before = await stored();
    for (const write of [
      `deleteUser(name: "ann", ifRevision: ${user})`,
      `deleteRotation(secret: "prod/a", ifRevision: ${set})`,
      `revokeApiKey(name: "ci", ifRevision: ${made})`,
    ])
      expect(await run(write)).toMatchObject({ errors: [{ code: 'CONFLICT', field: 'ifRevision' }] });
    expect(await stored()).toEqual(before);
  });

  it('with 0 makes a rotation, and writes over none', async () => {
    expect(await run(`setRotation(secret: "prod/a", ${recipe(3)}, ifRevision: 0)`)).toMatchObject({
      errors: [{ code: 'CONFLICT' }],
    });
    await run('deleteRotation(secret: "prod/a")');
    expect(await run(`setRotation(secret: "prod/a", ${recipe(3)}, ifRevision: 0)`)).toMatchObject({
      change: 'CREATED',
    });
  });

  it('goes through with what was read, and is told to whoever follows revisions', async () => {
    const at = await revisionOf(ann);
    const done = (await run(`updateUser(name: "ann", ${roles('OPERATOR')}, ifRevision: ${at})`)) as {
      revision: number;
    };
    expect(await revisionOf(ann)).toBe(done.revision);
    expect(
      await api.database.query('SELECT kind, operation FROM config_change WHERE revision = $1', [done.revision]),
    ).toEqual([{ kind: 'user', operation: 'upsert' }]);
    expect(await run(`revokeApiKey(name: "ci", ifRevision: ${await revisionOf(key)})`)).toMatchObject({
      change: 'DELETED',
    });
  });

  it('is refused when the user has set a password since, and not when he has signed in', async () => {
    const { token } = (await api.call('POST', '/api/users/ann/reset')).json as { token: string };
    const at = await revisionOf(ann);
    const password = 'Wombat-Ofen-ann-7319';
    expect((await api.call('POST', '/api/password', { token, password }, { authorization: '' })).status).toBe(200);
    expect(await run(`updateUser(name: "ann", ${roles('ADMIN')}, ifRevision: ${at})`)).toMatchObject({
      errors: [{ code: 'CONFLICT' }],
    });
    const now = await revisionOf(ann);
    expect((await api.call('POST', '/api/login', { user: 'ann', password }, { authorization: '' })).status).toBe(200);
    expect(await revisionOf(ann)).toBe(now);
  });
});
