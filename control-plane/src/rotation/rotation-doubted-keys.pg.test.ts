import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { migrate } from '../database/migrate.ts';
import { owner } from '../database/testing/open-services.ts';
import { countUses } from './testing/count-uses.ts';
import { create, recipe } from './testing/key-recipe.ts';
import { providerHost } from './testing/provider.ts';
import { openRotationWorld } from './testing/rotation-world.ts';

const mayExist = 'the provider may have made a key that nobody uses: look there for it';

let world: Awaited<ReturnType<typeof openRotationWorld>>;
let number = 0;
let name = '';
beforeAll(async () => {
  world = await openRotationWorld(await freshDatabase());
});
afterAll(() => world?.close());
beforeEach(async () => {
  name = `prod/doubted-${++number}`;
  await world.makeSecret(name);
});

async function begin(body: object): Promise<void> {
  await world.rotations.put(owner, name, body);
  await world.rotations.run(owner, name);
}

const database = () => world.services.dataSource;
const findings = () => world.findings(name);
const failAll = (status: number): void => {
  world.provider.override = (_request, response) => void response.writeHead(status).end();
};
const step = async (): Promise<void> => {
  await world.newEngine().advance((await world.run(name))?.id ?? '', new AbortController().signal);
};

/** A term comes that only another master key opens. */
async function learnsNoTerm(): Promise<void> {
  await database().query("INSERT INTO key_term (term, wrapped_key) VALUES (99, '\\x00')");
  await database().query('UPDATE config_state SET key_generation = key_generation + 1');
}

async function learnsTermsAgain(): Promise<void> {
  await database().query('DELETE FROM key_term WHERE term = 99');
}

describe('a provider that may have made a key which did not come', () => {
  it('is named in the problem and by a finding, when the answer cannot be read', async () => {
    await begin({ ...recipe, create: { ...create, valuePath: '$.data[0].value' } });
    const run = await world.until(name, 'never');
    expect(world.provider.keys.size).toBe(4);
    expect(run?.problem).toBe(`${providerHost} answered without a key where \`valuePath\` points; ${mayExist}`);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
  });

  it('is named although the last of the tries was refused', async () => {
    await begin(recipe);
    let tries = 0;
    world.provider.override = (_request, response) => void response.writeHead(++tries === 1 ? 502 : 403).end();
    expect((await world.until(name, 'never'))?.problem).toMatch(/answered 403; the provider may have made a key/);
  });

  it('is named although another try brought a key, and the run is done', async () => {
    await begin(recipe);
    world.provider.override = (_request, response) => {
      world.provider.override = undefined;
      response.writeHead(502).end();
    };
    expect(await world.until(name, 'never')).toMatchObject({
      outcome: 'DONE',
      problem: mayExist,
    });
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });

  it('is named when a try between refused ones never came back', async () => {
    await begin(recipe);
    failAll(403);
    await step();
    await world.cutCall(name);
    failAll(403);
    expect((await world.until(name, 'never'))?.problem).toMatch(/answered 403; the provider may have made a key/);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
  });

  it('is named when the key came and could not be recorded', async () => {
    await begin(recipe);
    world.provider.override = (_request, response) => {
      world.provider.keys.set('key-9', 'sk-9');
      // Meanwhile the master key is replaced: this control plane can write nothing.
      void learnsNoTerm().then(() => response.writeHead(201).end('{"data":[{"id":"key-9","secret":"sk-9"}]}'));
    };
    await step();
    expect((await world.run(name))?.problem).toContain('The master key was replaced');
    await learnsTermsAgain();
    failAll(403);
    expect((await world.until(name, 'never'))?.problem).toBe(`${providerHost} answered 403; ${mayExist}`);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
  });

  it('is named when one that leads no more is refused after another has asked', async () => {
    await begin(recipe);
    let refuse = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => {
      world.provider.override = (_request, response) => {
        refuse = () => void response.writeHead(403).end();
        resolve();
      };
    });
    const before = step();
    await isAsked;
    await world.cutCall(name);
    refuse();
    await before;
    failAll(403);
    expect((await world.until(name, 'never'))?.problem).toBe(`${providerHost} answered 403; ${mayExist}`);
  });

  it('is a finding of its own where the run ends by another one', async () => {
    await begin({ ...recipe, watchSeconds: 60, graceSeconds: 60 });
    await world.cutCall(name);
    await world.until(name, 'WATCHING');
    await countUses(database(), `${name}@2`, 50, ['a', 'b'], ['a', 'b']);
    await database().query(
      'DELETE FROM secret_version v USING secret s WHERE s.id = v.secret_id AND s.name = $1 AND v.version = 1',
      [name],
    );
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'SUPERSEDED' });
    expect(await findings()).toEqual(['ROTATION_ROLLED_BACK', 'ROTATION_KEY_LEFT']);
  });

  it('is not named when each call was refused, or none was made', async () => {
    await begin(recipe);
    failAll(403);
    expect((await world.until(name, 'never'))?.problem).toBe(`${providerHost} answered 403`);
    expect(await findings()).toEqual(['ROTATION_FAILED']);
  });

  it('is named when a run is cancelled in the middle of a call', async () => {
    await begin(recipe);
    await world.cutCall(name);
    await world.rotations.cancel(owner, name);
    expect((await world.until(name, 'never'))?.problem).toContain('the provider may have made a key that nobody uses');
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });
});

describe('an upgrade in the middle of a run', () => {
  /** The schema as the release before left it, and what it wrote of the run, brought up to date. */
  const upgrade = async (written: string): Promise<void> => {
    await database().query('ALTER TABLE rotation_run DROP COLUMN may_leave_key');
    await database().query("DELETE FROM schema_migration WHERE name LIKE 'AddDoubtedKeys%'");
    await database().query(`UPDATE rotation_run SET ${written} WHERE finished_at IS NULL`);
    await migrate(database());
  };

  it('whose call for a key it cut names the provider', async () => {
    await begin(recipe);
    await world.cutCall(name);
    await upgrade('problem = NULL');
    failAll(403);
    expect((await world.until(name, 'never'))?.problem).toBe(`${providerHost} answered 403; ${mayExist}`);
    expect(await findings()).toEqual(['ROTATION_FAILED', 'ROTATION_KEY_LEFT']);
  });

  it.each(['UNDOING', 'VERIFYING'])('that is %s says once what its problem said', async (at) => {
    await begin(recipe);
    if (at === 'UNDOING') await world.rotations.cancel(owner, name);
    await world.until(name, at);
    await upgrade(`problem = 'no key came; ${mayExist}'`);
    expect((await world.until(name, 'never'))?.problem).toBe(at === 'UNDOING' ? `no key came; ${mayExist}` : mayExist);
    expect(await findings()).toEqual(['ROTATION_KEY_LEFT']);
  });

  it('that has not asked for a key yet says nothing of it', async () => {
    await begin(recipe);
    await upgrade('problem = NULL');
    expect(await world.until(name, 'never')).toMatchObject({ outcome: 'DONE', problem: null });
  });
});
