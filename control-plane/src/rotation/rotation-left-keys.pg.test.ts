import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { owner } from '../database/testing/open-services.ts';
import { admin, create, recipe } from './testing/key-recipe.ts';
import { providerHost } from './testing/provider.ts';
import { openRotationWorld } from './testing/rotation-world.ts';

const delivered = {
  generate: { length: 40 },
  deliver: { url: `https://${providerHost}/set`, headers: admin, body: '{"key":"{{new}}"}' },
  verify: recipe.verify,
  verifyAttempts: 20,
  verifyEverySeconds: 0,
  watchSeconds: 0,
  graceSeconds: 0,
};

let world: Awaited<ReturnType<typeof openRotationWorld>>;
let number = 0;
let name = '';
beforeAll(async () => {
  world = await openRotationWorld(await freshDatabase());
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `prod/left-${++number}`;
  await world.makeSecret(name);
});

async function begin(body: object): Promise<void> {
  await world.rotations.put(owner, name, body);
  await world.rotations.run(owner, name);
}

const findings = () => world.findings(name);
const states = async () =>
  (await world.services.secretVersions.list(owner, name)).map(({ version, state }) => `${version} ${state}`);
const failAll = (status: number): void => {
  world.provider.override = (_request, response) => void response.writeHead(status).end();
};

describe('a new key that is not to stay', () => {
  const { revoke: _, ...withoutRevoke } = recipe;
  const { keyIdPath: __, ...withoutKeyId } = create;
  it.each([
    ['whose recipe ends no key', withoutRevoke],
    ['whose name at the provider is not known', { ...recipe, create: withoutKeyId }],
  ])('and %s is kept, and said and found to be alive', async (_why, body) => {
    await begin(body);
    await world.until(name, 'VERIFYING');
    failAll(500);
    expect(await world.until(name, 'never')).toMatchObject({
      outcome: 'FAILED',
      problem: `${providerHost} answered 500; the new key may still work at the provider: end it there, then destroy version 2, which is kept`,
    });
    expect([...world.provider.keys.keys()]).toContain('key-2');
    expect(await states()).toEqual(['2 AVAILABLE', '1 CURRENT']);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
    // What workers may be given, so that somebody ends the key by itself; then it can be destroyed.
    expect((await world.atWorkers(name)).versions).toEqual([1, 2]);
    await world.services.secretVersions.destroy(owner, name, 2);
  });

  it('and cannot be ended is kept when all tries are used up', async () => {
    await begin(recipe);
    await world.until(name, 'VERIFYING');
    failAll(500);
    await world.until(name, 'UNDOING');
    await world.services.dataSource.query('UPDATE rotation_run SET attempts = 5 WHERE finished_at IS NULL');
    expect((await world.until(name, 'never'))?.problem).toContain('the new key may still work at the provider');
    expect(await states()).toEqual(['2 AVAILABLE', '1 CURRENT']);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
  });

  it('and was made here and sent nowhere is destroyed, and no finding', async () => {
    const { deliver: ___, ...local } = delivered;
    await begin(local);
    await world.until(name, 'VERIFYING');
    await world.rotations.cancel(owner, name);
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'CANCELLED', problem: 'somebody cancelled it' });
    expect(await states()).toEqual(['2 DESTROYED', '1 CURRENT']);
    expect(await findings()).toEqual([]);
  });
});

describe('an old key that is not ended', () => {
  it('is a finding when all tries are used up', async () => {
    await begin(recipe);
    await world.until(name, 'REVOKING');
    failAll(500);
    expect(await world.until(name, 'never')).toMatchObject({
      outcome: 'DONE',
      problem: `the old key was not ended, do that by hand: ${providerHost} answered 500`,
    });
    expect([...world.provider.keys.keys()]).toEqual(['key-0', 'key-2']);
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });

  it('is a finding when its name at the provider is not known', async () => {
    const { currentKeyId: _, ...unknown } = recipe;
    await begin(unknown);
    expect((await world.until(name, 'never'))?.problem).toContain('is not known: end it by hand');
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });
});

describe('a recipe that is set while a run goes by it', () => {
  it('does not lose the value that was handed over, which may be all that works', async () => {
    await begin(delivered);
    failAll(204);
    await world.until(name, 'VERIFYING');
    const { deliver: _, ...without } = delivered;
    await expect(world.rotations.put(owner, name, without)).rejects.toMatchObject({
      code: 'CONFLICT',
      field: 'deliver',
    });
    await world.rotations.cancel(owner, name);
    await world.until(name, 'never');
    expect(await states()).toEqual(['2 AVAILABLE', '1 CURRENT']);
  });

  it.each([
    ['create', { ...recipe, create: { ...create, method: 'PUT' } }],
    ['create', { ...recipe, create: undefined, generate: {} }],
    ['revoke', { ...recipe, revoke: undefined }],
    ['revoke', { ...recipe, revoke: { ...recipe.revoke, url: `https://${providerHost}/other/{{oldKeyId}}` } }],
  ])('may not have another %s until the new version has proven itself: %#', async (field, body) => {
    await begin({ ...recipe, watchSeconds: 60, graceSeconds: 60 });
    await world.until(name, 'WATCHING');
    await expect(world.rotations.put(owner, name, { ...body, currentKeyId: undefined })).rejects.toMatchObject({
      code: 'CONFLICT',
      field,
    });
  });

  it('may have another canary, schedule and patience', async () => {
    await begin(recipe);
    await world.until(name, 'VERIFYING');
    const verify = { ...recipe.verify, expectStatus: [200, 204] };
    const changed = { ...recipe, verify, verifyAttempts: 9, schedule: '0 3 1 * *' };
    expect(await world.rotations.put(owner, name, changed)).toMatchObject({ change: 'UPDATED' });
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'DONE' });
  });

  it('cannot have the old key, which is to come back, taken for the new one', async () => {
    await begin({ ...recipe, watchSeconds: 60, graceSeconds: 60 });
    await world.until(name, 'WATCHING');
    const again = world.rotations.put(owner, name, { ...recipe, watchSeconds: 60, graceSeconds: 60 });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT', field: 'currentKeyId' });
    await world.rotations.cancel(owner, name);
    await world.until(name, 'never');
    expect([...world.provider.keys.keys()]).toEqual(['key-0']);
  });

  it('may have its revoke put right in the grace time, and not taken away', async () => {
    await begin({ ...recipe, revoke: { ...recipe.revoke, url: `https://${providerHost}/gone/{{oldKeyId}}` } });
    await world.until(name, 'GRACE');
    const { revoke: _, ...without } = recipe;
    await expect(world.rotations.put(owner, name, without)).rejects.toMatchObject({
      code: 'CONFLICT',
      field: 'revoke',
    });
    await world.rotations.put(owner, name, { ...recipe, currentKeyId: undefined });
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'DONE' });
    expect([...world.provider.keys.keys()]).toEqual(['key-2']);
  });
});

describe('a secret that is deleted while it is rotated', () => {
  const deleted = () => world.services.secrets.remove(owner, name);
  const problemOfDeletion = async (): Promise<string | undefined> => {
    const rows = await world.services.dataSource.query<{ problem: string }[]>(
      `SELECT detail->>'problem' AS problem FROM admin_event
       WHERE object_name = $1 AND action = 'secret:delete' AND detail->>'finding' = 'ROTATION_KEY_LEFT'`,
      [name],
    );
    return rows[0]?.problem;
  };

  it.each(['VERIFYING', 'SWITCHING', 'UNDOING'])(
    'stays while the run is %s, whose key nobody would know of',
    async (step) => {
      await begin(step === 'UNDOING' ? { ...recipe, verify: { ...recipe.verify, expectStatus: [299] } } : recipe);
      await world.until(name, step);
      await expect(deleted()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(`onecli rotation cancel ${name}`) as string,
      });
      if (step !== 'UNDOING') await world.rotations.cancel(owner, name);
      await world.until(name, 'never');
      expect([...world.provider.keys.keys()]).toEqual(['key-0']);
      expect((await deleted()).change).toBe('DELETED');
    },
  );

  it('stays while the provider is asked, also by an apply that prunes', async () => {
    await begin(recipe);
    await world.cutCall(name);
    await expect(deleted()).rejects.toMatchObject({ code: 'CONFLICT' });
    const { plans } = world.services;
    await world.services.dataSource.query("UPDATE secret SET managed_by = 'ci' WHERE name = $1", [name]);
    const input = { config: { secrets: [] }, managedBy: 'ci', prune: true };
    const { planHash } = await plans.plan(owner, input);
    await expect(plans.apply(owner, { ...input, planHash })).rejects.toMatchObject({ code: 'CONFLICT' });
    await world.services.secrets.get(owner, name);
    await world.rotations.cancel(owner, name);
    await world.until(name, 'never');
    await deleted();
  });

  it.each(['WATCHING', 'GRACE', 'REVOKING'])('goes while the run is %s, and the old key is a finding', async (step) => {
    await begin(recipe);
    await world.until(name, step);
    expect((await deleted()).change).toBe('DELETED');
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });

  it.each(['WATCHING', 'GRACE', 'REVOKING'])(
    'goes while the run is %s, and a key that the provider may have made is told of as well',
    async (step) => {
      await begin(recipe);
      await world.cutCall(name);
      await world.until(name, step);
      await deleted();
      expect(await problemOfDeletion()).toMatch(/was to end may still work .*; the provider may have made a key/);
    },
  );

  it('of a restored backup goes while the provider was asked, and that is told', async () => {
    await begin(recipe);
    await world.cutCall(name);
    const restored = (at: string) => world.services.dataSource.query(`UPDATE config_state SET restored_at = ${at}`);
    await restored('now()');
    try {
      await deleted();
    } finally {
      await restored('NULL');
    }
    expect(await problemOfDeletion()).toMatch(/^the provider may have made a key/);
  });

  it('goes without a finding when the provider was not asked yet', async () => {
    await begin(recipe);
    expect((await deleted()).change).toBe('DELETED');
    expect(await findings()).toEqual([]);
  });
});
