import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { owner } from '../database/testing/open-services.ts';
import type { RotationEngine } from '../rotation/rotation-engine.ts';
import { RotationScheduler } from '../rotation/rotation-scheduler.ts';
import { providerHost } from '../rotation/testing/provider.ts';
import { openRotationWorld } from '../rotation/testing/rotation-world.ts';
import { BackupService } from './backup.service.ts';
import { restoreBackup, type RestoreOptions } from './restore-backup.ts';

const admin = { authorization: 'Bearer onecli://prod/admin' };
const recipe = {
  create: {
    url: `https://${providerHost}/keys`,
    headers: admin,
    valuePath: '$.data[0].secret',
    keyIdPath: '$.data[0].id',
  },
  revoke: { method: 'DELETE', url: `https://${providerHost}/keys/{{oldKeyId}}`, headers: admin },
  watchSeconds: 0,
  graceSeconds: 0,
  currentKeyId: 'key-0',
  schedule: '0 3 1 * *',
};

let world: Awaited<ReturnType<typeof openRotationWorld>>;
let backups: BackupService;
let number = 0;
let due = '';
let underway = '';
beforeAll(async () => {
  world = await openRotationWorld(await freshDatabase());
  const { dataSource, change, keys, master } = world.services;
  backups = new BackupService(dataSource, change, keys, master);
});
afterAll(() => world?.close());

/** A backup of a secret that is due, and of one whose rotation is about to end its old key, put back. */
async function restore(isConfirmed: boolean) {
  const { dataSource, master } = world.services;
  await backups.confirmRestore(owner);
  [due, underway] = [`prod/due-${++number}`, `prod/underway-${number}`];
  await world.makeSecret(due);
  await world.makeSecret(underway);
  await world.rotations.put(owner, due, recipe);
  await world.rotations.put(owner, underway, { ...recipe, schedule: null });
  await world.rotations.run(owner, underway);
  await world.until(underway, 'REVOKING');
  await world.rotations.run(owner, underway);
  await world.until(underway, 'VERIFYING');
  await dataSource.query("UPDATE rotation SET next_run_at = now() - interval '20 days' WHERE schedule IS NOT NULL");
  const pieces: Buffer[] = [];
  for await (const piece of await backups.create(owner, {})) pieces.push(piece);
  world.provider.seen.length = 0;
  return restoreBackup(dataSource, {
    file: (async function* () {
      yield* pieces;
    })(),
    master,
    passphrase: undefined,
    destroyedFile: undefined,
    acceptsRevival: false,
    isReplacing: true,
    isConfirmed,
  } satisfies RestoreOptions);
}

/** As the leader does it, until nothing is left to do. */
async function look(engine = world.newEngine()): Promise<void> {
  const { dataSource: database, change } = world.services;
  const errors: object[] = [];
  const log = { error: (fields: object) => void errors.push(fields) };
  for (let turn = 0; turn < 4; turn++) {
    const scheduler = new RotationScheduler({ database, change, engine, log });
    await scheduler.look(new AbortController().signal);
    await scheduler.settled();
  }
  expect(errors).toEqual([]);
}

/** What was recorded since the last restore began, of these two secrets and of none. */
const events = (principal: string) =>
  world.services.dataSource.query<
    {
      action: string;
      object: string;
      environment: string | null;
      detail: { finding?: string; problem?: string };
    }[]
  >(
    `SELECT action, object_name AS object, environment, detail FROM admin_event
     WHERE principal = $1 AND object_name IN ('restore', $2)
       AND (action LIKE 'backup:%' OR action = 'rotation:finished')
       AND at > (SELECT max(at) FROM admin_event WHERE action = 'backup:create') ORDER BY at`,
    [principal, underway],
  );

const nextRunAt = async () => (await world.rotations.get(owner, due)).nextRunAt?.getTime() ?? 0;

describe('rotations of a backup that was restored', () => {
  it('ask no provider for anything until somebody confirms it, by schedule, by hand or where they stood', async () => {
    await restore(false);
    await look();
    await look({ advance: () => Promise.reject(new Error('a step')) } as unknown as RotationEngine);
    const runs = await world.rotations.runs(owner, underway);
    for (const { id } of runs) await world.newEngine().advance(id, new AbortController().signal);
    await expect(world.rotations.run(owner, due)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('onecli restore --confirm') as string,
    });
    expect(world.provider.seen).toEqual([]);
    expect(await world.rotations.runs(owner, due)).toEqual([]);
    expect(await nextRunAt()).toBeLessThan(Date.now());
  });

  it('come with the confirmation to their next time, not at once; those under way end, and are findings', async () => {
    await restore(false);
    await backups.confirmRestore(owner);
    expect(await nextRunAt()).toBeGreaterThan(Date.now());
    await look();
    expect(world.provider.seen).toEqual([]);
    const runs = await world.rotations.runs(owner, underway);
    expect(runs.map(({ outcome }) => outcome)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(runs[0]?.problem).toContain('a backup of a time when it was under way was restored');
    const told = await events('user:admin');
    expect(told.map(({ action }) => action)).toEqual(['backup:confirm', 'rotation:finished', 'rotation:finished']);
    expect(told.filter(({ detail }) => detail.finding === 'ROTATION_KEY_LEFT')).toHaveLength(2);
    // Nothing is left pending that could neither be used nor destroyed.
    const versions = await world.services.secretVersions.list(owner, underway);
    expect(versions.map(({ state }) => state)).toEqual(['AVAILABLE', 'CURRENT', 'AVAILABLE']);
    expect((await world.rotations.run(owner, due)).object).toMatchObject({ step: 'CREATING' });
  });

  it('do so too when the restore itself is the confirmation, which names them', async () => {
    const report = await restore(true);
    expect(report.endedRuns.filter(({ secret }) => secret === underway)).toHaveLength(2);
    const told = await events('instance');
    expect(told.map(({ action }) => action)).toEqual([
      'backup:restore',
      'backup:confirm',
      'rotation:finished',
      'rotation:finished',
    ]);
    const [, , ...ends] = told;
    for (const end of ends) {
      expect(end).toMatchObject({ object: underway, environment: 'prod', detail: { finding: 'ROTATION_KEY_LEFT' } });
      expect(end.detail.problem).toContain('a backup of a time when it was under way was restored');
    }
    await look();
    expect(world.provider.seen).toEqual([]);
    expect(await nextRunAt()).toBeGreaterThan(Date.now());
  });

  it('are not ended by a confirmation that no restore waits for', async () => {
    await backups.confirmRestore(owner);
    await world.makeSecret('prod/calm');
    await world.rotations.put(owner, 'prod/calm', recipe);
    await world.rotations.run(owner, 'prod/calm');
    await backups.confirmRestore(owner);
    expect(await world.run('prod/calm')).toMatchObject({ outcome: null });
  });
});
