import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { SecretVault } from '../secrets/secret-vault.ts';
import { RunEntity } from './rotation.entity.ts';
import type { RotationEngine } from './rotation-engine.ts';
import { newRun, RotationScheduler } from './rotation-scheduler.ts';
import { RotationService } from './rotation.service.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let rotations: RotationService;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  const { dataSource: database, change, keys } = services;
  rotations = new RotationService({ database, change, keys, vault: new SecretVault(keys) });
});
afterAll(() => services?.close());

/** Secrets that are rotated, with a due schedule where that is wanted. */
async function rotated(names: readonly string[], isDue: boolean): Promise<void> {
  for (const name of names) {
    await services.secrets.create(owner, { name, value: 'x' });
    await rotations.put(owner, name, { generate: {}, watchSeconds: 0, graceSeconds: 0, schedule: '0 3 1 * *' });
  }
  if (isDue) await services.dataSource.query("UPDATE rotation SET next_run_at = now() - interval '1 min'");
}

async function idOf(name: string): Promise<string> {
  const [row] = await services.dataSource.query<{ id: string }[]>('SELECT id FROM secret WHERE name = $1', [name]);
  return row?.id ?? '';
}

/** A scheduler whose steps wait until `finish` is called; `begun` are the runs that it has set about. */
function waitingScheduler() {
  const begun: string[] = [];
  let finish: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (finish = resolve));
  const engine = {
    advance: async (id: string) => {
      begun.push(id);
      await waiting;
    },
  } as unknown as RotationEngine;
  const { dataSource: database, change } = services;
  const log = { error: () => undefined };
  return { begun, finish, scheduler: new RotationScheduler({ database, change, engine, log }) };
}

describe('rotations of an environment whose provider keeps them waiting', () => {
  it('hold up none of another environment, however many they are and however long they are due', async () => {
    const slow = Array.from({ length: 150 }, (_, index) => `slow/s-${index}`);
    await rotated(['slow/s', 'prod/s'], false);
    const slowId = await idOf('slow/s');
    // Rows of runs alone: the index of the one that is active is on the secret, so each has a secret of its own.
    for (const name of slow) {
      const id = randomUUID();
      await services.dataSource.query(
        `INSERT INTO secret SELECT (jsonb_populate_record(s, jsonb_build_object('id', $2::text, 'name', $3::text))).* FROM secret s WHERE s.id = $1`,
        [slowId, id, name],
      );
      const run = { ...newRun(id, 1, 'asked' as const), nextAt: new Date(Date.now() - 3_600_000) };
      await services.dataSource.manager.insert(RunEntity, run);
    }
    const prod = newRun(await idOf('prod/s'), 1, 'asked');
    await services.dataSource.manager.insert(RunEntity, prod);
    const { begun, finish, scheduler } = waitingScheduler();
    for (let look = 0; look < 3; look++) await scheduler.look(new AbortController().signal);
    expect(begun).toContain(prod.id);
    expect(begun).toHaveLength(9);
    finish();
    await services.dataSource.query('DELETE FROM rotation_run');
  });

  it('leave the schedule of another environment its turn', async () => {
    await rotated(
      Array.from({ length: 110 }, (_, index) => `many/s-${index}`),
      true,
    );
    await services.dataSource.query(
      "UPDATE rotation SET next_run_at = now() - interval '1 day' WHERE secret_id <> $1",
      [await idOf('prod/s')],
    );
    const { finish, scheduler } = waitingScheduler();
    await scheduler.look(new AbortController().signal);
    finish();
    const runs = await services.dataSource.query<{ name: string }[]>(
      "SELECT s.name FROM rotation_run r JOIN secret s ON s.id = r.secret_id WHERE s.name LIKE 'prod/%' OR s.name LIKE 'many/%'",
    );
    expect(runs.map(({ name }) => name)).toContain('prod/s');
    expect(runs).toHaveLength(11);
  });
});
