import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from '../api/testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  await api.call('POST', '/api/secrets', { name: 'prod/k', value: 'first-value' });
});
afterAll(() => api.stop());

const set = `mutation($recipe: JSON!) { result: setRotation(secret: "prod/k", recipe: $recipe) {
  object { secret schedule zone isEnabled nextRunAt recipe } change errors { code field message } } }`;
const runs = '{ result: rotationRuns(secret: "prod/k") { id step outcome cause oldVersion newVersion finishedAt } }';
const run = async (query: string, variables?: object) => (await api.graphql(query, variables)).data?.['result'];

describe('rotations by GraphQL', () => {
  it('are set, told, run to their end and deleted, as by REST', async () => {
    expect(await run('{ result: rotation(secret: "prod/k") { secret } }')).toBeNull();
    const recipe = { generate: { length: 32, prefix: 'new-' }, watchSeconds: 0, graceSeconds: 0 };
    const made = { object: { secret: 'prod/k', schedule: null, isEnabled: true }, change: 'CREATED', errors: [] };
    expect(await run(set, { recipe })).toMatchObject(made);
    expect(await run(set, { recipe: { ...recipe, schedule: '0 3 1 * *' } })).toMatchObject({
      object: { schedule: '0 3 1 * *', zone: 'UTC', nextRunAt: expect.any(String) as string },
      change: 'UPDATED',
    });
    expect(await run('{ result: rotations { nodes { secret recipe } } }')).toMatchObject({
      nodes: [{ secret: 'prod/k', recipe: { generate: { prefix: 'new-' } } }],
    });
    const begun = await run(
      'mutation { result: runRotation(secret: "prod/k") { object { id step } change errors { code } } }',
    );
    expect(begun).toMatchObject({ object: { step: 'CREATING' }, change: 'CREATED', errors: [] });
    await expect
      .poll(() => run(runs), { timeout: 30_000 })
      .toMatchObject([{ outcome: 'DONE', cause: 'asked', oldVersion: 1, newVersion: 2 }]);
    expect(await run('{ result: secret(name: "prod/k") { version } }')).toEqual({ version: 2 });
    expect(await run('mutation { result: deleteRotation(secret: "prod/k") { change } }')).toEqual({
      change: 'DELETED',
    });
    expect(await run('mutation { result: deleteRotation(secret: "prod/k") { change } }')).toEqual({
      change: 'UNCHANGED',
    });
  });

  it('that are wrong are refused, with the field, and nothing is kept', async () => {
    for (const [recipe, field] of [
      [{ generate: { length: 3 } }, 'generate.length'],
      [{ webhook: { url: 'http://a.example/', secret: 'prod/k' } }, 'webhook.url'],
      [{ generate: {}, schedule: 'each day' }, 'schedule'],
      [{}, 'create'],
    ] as const)
      expect(await run(set, { recipe })).toMatchObject({ object: null, errors: [{ code: 'INVALID', field }] });
    expect(await run('{ result: rotations { nodes { secret } } }')).toEqual({ nodes: [] });
    expect(await run('mutation { result: runRotation(secret: "prod/k") { errors { code } } }')).toEqual({
      errors: [{ code: 'NOT_FOUND' }],
    });
  });

  it('and keys are rotated, and a restore is confirmed', async () => {
    expect(await run('mutation { result: rotateKeys { object { rotation } change errors { code } } }')).toMatchObject({
      change: 'CREATED',
      errors: [],
    });
    await expect
      .poll(() => run('{ result: keys { rotation sealingTerm } }'), { timeout: 30_000 })
      .toEqual({
        rotation: 'IDLE',
        sealingTerm: 2,
      });
    const confirmed = await run('mutation { result: confirmRestore { change revision errors { code } } }');
    expect(confirmed).toMatchObject({ change: 'UPDATED', revision: expect.any(Number) as number, errors: [] });
  });
});
