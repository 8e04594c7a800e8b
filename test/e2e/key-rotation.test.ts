import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { databaseUrlOf } from '../support/database-url.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

interface Keys {
  sealingTerm: number;
  rotation: string;
  total: number;
  current: number;
  terms: { term: number; state: string }[];
  holders: { kind: string; terms: number[] | null }[];
}

const secrets = 300;
const kills = 4;
let world: World;
beforeAll(async () => {
  world = await startWorld();
  const binding = { hosts: [boundHost], surfaces: ['header'] };
  for (let index = 0; index < secrets; index += 1)
    await world.onecli.must('POST', '/api/secrets', { name: `bulk/s${index}`, value: `value-${index}`, binding });
});
afterAll(() => world?.stop());

const keys = () => world.onecli.must<Keys>('GET', '/api/keys');

async function isRotated(): Promise<Keys> {
  return waitUntil(
    'the rotation is done',
    async () => {
      const found = await keys().catch(() => undefined);
      return found?.rotation === 'IDLE' ? found : undefined;
    },
    90_000,
  );
}

/** Has the secrets whose names end with a digit stay under their term until it is told to let them go, as a long transaction would. */
async function hold(digit: number): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrlOf(world.onecli.dataFolder) });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('BEGIN');
  const { rowCount } = await client.query(
    `SELECT FROM secret_version v JOIN secret s ON s.id = v.secret_id WHERE s.name LIKE 'bulk/s%${digit}' FOR UPDATE OF v`,
  );
  expect(rowCount).toBe(secrets / 10);
  return async () => void (await client.query('COMMIT'));
}

/** Waits until more values than these are under the new term; gives how many. Fails when the rotation is over: nobody would be disturbed. */
async function isUnderWay(moved: number): Promise<number> {
  const found = await waitUntil(
    'more values are moved',
    async () => {
      const { rotation, ...of } = await keys();
      const current = rotation === 'WAITING' ? 0 : of.current;
      return (rotation === 'IDLE' || current > moved) && { rotation, current };
    },
    60_000,
  );
  expect(['WAITING', 'MOVING']).toContain(found.rotation);
  return found.current;
}

describe('onecli keys rotate', () => {
  it('moves everything to a new key under load: no request fails, and the right key arrives', async () => {
    const load = new SteadyLoad(world);
    await load.serves(50);
    const { code, stdout, stderr } = await runOnecliCommand(world.onecli, ['keys', 'rotate']);
    expect([code, stdout], stderr).toEqual([0, '']);
    expect(stderr).toMatch(/done: all \d+ values are sealed under term 2\n$/);
    const worker = async () => (await keys()).holders.find(({ kind }) => kind === 'worker')?.terms;
    await waitUntil('the worker has given up the old term', async () => (await worker())?.join() === '2', 30_000);
    await load.serves(50);
    expect(await load.end()).toEqual([]);
    const sent = world.upstream.requests.filter((one) => one.target === '/v1/load');
    expect(new Set(sent.map((one) => one.header('authorization')))).toEqual(new Set([`Bearer ${world.canary}`]));
    const found = await keys();
    expect(found).toMatchObject({ sealingTerm: 2, rotation: 'IDLE', total: found.current });
  });

  it(`finishes although the control plane is killed ${kills} times in the middle, and no request fails`, async () => {
    const load = new SteadyLoad(world);
    const before = await keys();
    const held = await Promise.all(Array.from({ length: kills }, (_, digit) => hold(digit)));
    await runOnecliCommand(world.onecli, ['keys', 'rotate', '--no-wait']);
    let moved = -1;
    for (const letGo of held) {
      moved = await isUnderWay(moved);
      const pid = world.onecli.kill('control-plane');
      await waitUntil(
        'the control plane is back',
        async () =>
          world.onecli.pidsOf('control-plane').some((one) => one !== pid) &&
          (await world.onecli.api('GET', '/readyz').catch(() => undefined))?.status === 200,
        30_000,
      );
      await letGo();
    }
    const found = await isRotated();
    expect(found).toMatchObject({ sealingTerm: before.sealingTerm + 1, current: found.total });
    expect(found.terms.find(({ term }) => term === before.sealingTerm)?.state).not.toBe('OPENING');
    await load.serves(50);
    expect(await load.end()).toEqual([]);
  });

  it('shows its state, and is for nobody who has not signed in', async () => {
    const status = await runOnecliCommand(world.onecli, ['keys', 'status']);
    expect(status.stdout).toMatch(/TERM +STATE +VALUES/);
    const anonymous = await world.onecli.api('POST', '/api/keys/rotate', undefined, { authorization: 'Basic eDp5' });
    expect(anonymous.status).toBe(401);
  });
});
