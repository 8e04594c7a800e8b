/**
 * `node --conditions=source --import tsx test/hostile/measure-key-rotation.ts [secrets] [kills]`: rotates the key terms of an instance
 * with so many secrets under proxy load, kills the control plane so many times while values are being moved, and prints what it took.
 * Ends with 1 when a request failed, a value was left behind or the rotation did not finish.
 */
import pg from 'pg';
import { databaseUrlOf, load } from '../scale/load.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

const [secrets = 100_000, kills = 20] = process.argv.slice(2).map(Number);
const patienceMs = 600_000;

/** How many values are sealed under the newest term, and whether older terms are retired. */
async function progressOf(client: pg.Client): Promise<{ moved: number; left: number; isDone: boolean }> {
  const { rows } = await client.query<{ moved: string; left: string; open: string }>(
    `SELECT count(*) FILTER (WHERE substring(sealed FROM 2 FOR 4) = decode(lpad(to_hex(t.newest), 8, '0'), 'hex')) AS moved,
       count(*) FILTER (WHERE substring(sealed FROM 2 FOR 4) <> decode(lpad(to_hex(t.newest), 8, '0'), 'hex')) AS left,
       (SELECT count(*) FROM key_term WHERE retired_at IS NULL) AS open
     FROM secret_version, (SELECT max(term) AS newest FROM key_term) t`,
  );
  const [row] = rows;
  return { moved: Number(row?.moved), left: Number(row?.left), isDone: Number(row?.left) === 0 && row?.open === '1' };
}

/** Kills the control plane again and again, at even distances of what it moves; gives how far it was at each. */
async function killInTheMiddle(world: World, client: pg.Client): Promise<number[]> {
  const at: number[] = [];
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
}

async function measure(world: World): Promise<boolean> {
  await load(world.onecli.dataFolder, { secrets, agents: 0, policies: 0, routes: 0, events: 0 });
  const client = new pg.Client({ connectionString: databaseUrlOf(world.onecli.dataFolder) });
  await client.connect();
  const steady = new SteadyLoad(world, { tunnels: 4, pauseMs: 5 });
  await steady.serves(100);
  const startedMs = performance.now();
  const servedBefore = steady.served;
  await world.onecli.must('POST', '/api/keys/rotate');
  const killedAt = await killInTheMiddle(world, client);
  await waitUntil('the rotation is done', async () => (await progressOf(client)).isDone, patienceMs);
  const seconds = (performance.now() - startedMs) / 1000;
  const servedDuring = steady.served - servedBefore;
  await steady.serves(100);
  const failures = await steady.end();
  const { moved, left } = await progressOf(client);
  await client.end();
  const keys = new Set(world.upstream.requests.map((one) => one.header('authorization')));
  console.log(`${moved} secret values moved, ${left} left, in ${seconds.toFixed(1)} s`);
  console.log(`control plane killed ${killedAt.length} times while moving, at ${killedAt.join(', ') || 'no'} values`);
  console.log(
    `${servedDuring} requests served meanwhile, ${failures.length} failed; ${keys.size} different keys arrived`,
  );
  for (const failure of new Set(failures)) console.log(`  failed: ${failure}`);
  return failures.length === 0 && left === 0 && killedAt.length === kills && keys.size === 1;
}

const world = await startWorld();
let isGood = false;
try {
  isGood = await measure(world);
} finally {
  await world.stop();
}
process.exit(isGood ? 0 : 1);
