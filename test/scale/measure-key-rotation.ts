/**
 * `npm run scale -- rotate-keys [--secrets=100000] [--kills=20]`: rotates the key terms of an instance with so many secrets under proxy
 * load, and kills the control plane so many times while values are being moved.
 */
import pg from 'pg';
import { databaseUrlOf } from '../support/database-url.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';
import { load } from './load.ts';

interface Extent {
  readonly secrets: number;
  readonly kills: number;
}

interface Keys {
  readonly rotation: string;
  readonly total: number;
  readonly current: number;
}

const patienceMs = 600_000;

/** Says what it took; gives false when a request failed, a value was left, or it was not killed as often as asked for. */
export async function measureKeyRotation(extent: Extent, say: (line: string) => void): Promise<boolean> {
  const world = await startWorld();
  try {
    await load(world.onecli.dataFolder, { secrets: extent.secrets, agents: 0, policies: 0, routes: 0, events: 0 });
    return await rotate(world, extent, say);
  } finally {
    await world.stop();
  }
}

async function rotate(world: World, { secrets, kills }: Extent, say: (line: string) => void): Promise<boolean> {
  const steady = new SteadyLoad(world, { tunnels: 4, pauseMs: 5 });
  await steady.serves(100);
  const [startedMs, servedBefore] = [performance.now(), steady.served];
  await world.onecli.must('POST', '/api/keys/rotate');
  const killedAt = await killInTheMiddle(world, { secrets, kills });
  const { total, current } = await waitUntil('the rotation is done', () => doneKeys(world), patienceMs);
  const seconds = (performance.now() - startedMs) / 1000;
  const served = steady.served - servedBefore;
  await steady.serves(100);
  const failures = await steady.end();
  const arrived = new Set(world.upstream.requests.map((one) => one.header('authorization')));
  say(`${current} values under the new term, ${total - current} left, after ${seconds.toFixed(1)} s`);
  say(`control plane killed ${killedAt.length} times while moving, at ${killedAt.join(', ') || 'no'} values`);
  say(`${served} requests served meanwhile, ${failures.length} failed; ${arrived.size} different keys arrived`);
  for (const failure of new Set(failures)) say(`  failed: ${failure}`);
  return failures.length === 0 && total === current && killedAt.length === kills && arrived.size === 1;
}

async function doneKeys(world: World): Promise<Keys | undefined> {
  const keys = await world.onecli.must<Keys>('GET', '/api/keys');
  return keys.rotation === 'IDLE' ? keys : undefined;
}

/** Kills the control plane again and again, at even distances of what it moves; gives how far it was at each. */
async function killInTheMiddle(world: World, { secrets, kills }: Extent): Promise<number[]> {
  const client = new pg.Client({ connectionString: databaseUrlOf(world.onecli.dataFolder) });
  await client.connect();
  const at: number[] = [];
  try {
    while (at.length < kills) {
      const { moved, isDone } = await progressOf(client);
      if (isDone) break;
      if (moved < ((at.length + 0.5) / kills) * secrets) continue;
      const [pid] = world.onecli.pidsOf('control-plane');
      if (pid === undefined) continue;
      process.kill(pid, 'SIGKILL');
      at.push(moved);
      await waitUntil(
        'another control plane',
        () => world.onecli.pidsOf('control-plane').some((one) => one !== pid),
        60_000,
      );
    }
    return at;
  } finally {
    await client.end();
  }
}

/** How many values are sealed under the newest term, and whether older terms are retired. */
async function progressOf(client: pg.Client): Promise<{ moved: number; isDone: boolean }> {
  const { rows } = await client.query<{ moved: string; open: string }>(
    `SELECT count(*) FILTER (WHERE substring(sealed FROM 2 FOR 4) = decode(lpad(to_hex(t.newest), 8, '0'), 'hex')) AS moved,
       (SELECT count(*) FROM key_term WHERE retired_at IS NULL) AS open
     FROM secret_version, (SELECT max(term) AS newest FROM key_term) t`,
  );
  return { moved: Number(rows[0]?.moved), isDone: rows[0]?.open === '1' };
}
