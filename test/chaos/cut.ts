/** A worker is cut off from PostgreSQL, from Redis, or from both: nothing comes through, and nothing says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../support/wait-until.ts';
import { type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import { isSound } from './check-records.ts';
import { FurtherWorker, settingsOfWorker } from './further-worker.ts';
import { describePercentiles, percentilesOf } from './percentiles.ts';
import { Relay } from './relay.ts';
import { describeRun } from './report.ts';
import { type LoadRun, runUnderLoad } from './run-load.ts';
import { type Context, type Numbers, rateFlag, type Report, scenario } from './scenario.ts';
import { Seeded } from './seeded.ts';

/** A worker that is back in the network and has not followed by then does not follow at all. */
const followsWithinMs = 60_000;

type Names = 'count' | 'seconds' | 'rate';

export const cut = scenario<Names>(
  'the network between a worker and PostgreSQL, Redis or both loses everything for a while',
  {
    count: { byDefault: 12, most: 1000, help: 'cuts' },
    seconds: { byDefault: 15, most: 3600, help: 'the longest of them' },
    rate: rateFlag,
  },
  async ({ count, seconds, rate }: Numbers<Names>, { seed, redis }: Context): Promise<Report> => {
    const world = await startChaosWorld({ workers: 1, controlPlanes: 1, redis });
    try {
      const { run, followMs } = await cutOff(world, new Seeded(seed), { count, longestMs: seconds * 1000, rate });
      const follows = percentilesOf(followMs);
      const text = `${describeRun(run)}\n  ${'follows again after'.padEnd(24)} ${describePercentiles(follows)}`;
      return { isSound: isSound(run.verdict), text, record: { seconds: run.seconds, follows, ...run.verdict } };
    } finally {
      await world.stop();
    }
  },
);

export interface CutOptions {
  readonly count: number;
  readonly longestMs: number;
  readonly rate: number;
  /** Before the first. */
  readonly settleMs?: number;
}

/** Gives the verdict, and how long after each cut the worker had what was changed meanwhile. */
export async function cutOff(
  world: ChaosWorld,
  random: Seeded,
  { count, longestMs, rate, settleMs = 1500 }: CutOptions,
): Promise<{ readonly run: LoadRun; readonly followMs: readonly number[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-cut-'));
  const { relays, settings } = await relaysOf(world, folder);
  const followMs: number[] = [];
  let worker: FurtherWorker | undefined;
  try {
    const started = (worker = await FurtherWorker.start(world.cluster, 'worker-cut', settings));
    const options = { ratePerSecond: rate, rotateEveryMs: 2000, proxyPort: worker.port };
    const run = await runUnderLoad(world, random, options, async (faults) => {
      await pause(settleMs);
      for (let done = 0; done < count; done += 1) {
        const cutOnes = random.next() < 0.5 ? relays : [random.pick(relays)];
        const fault = faults.begin('worker-cut', 'worker', 'cut');
        for (const relay of cutOnes) relay.cut();
        await pause(random.between(longestMs / 10, longestMs));
        for (const relay of cutOnes) relay.heal(random.next() < 0.5);
        fault.untilMs = Date.now();
        followMs.push(await timeToFollow(world, started));
      }
    });
    return { run, followMs };
  } finally {
    await worker?.stop();
    for (const relay of relays) await relay.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is between the worker and the stores, and the settings that lead through it. */
async function relaysOf(world: ChaosWorld, folder: string) {
  const { DATABASE_URL: databaseUrl = '', REDIS_URL: redisUrl } = await settingsOfWorker(world.cluster);
  const throughRelay = new URL(databaseUrl);
  const socketName = '.s.PGSQL.5432';
  const real = join(throughRelay.searchParams.get('host') ?? '', socketName);
  throughRelay.searchParams.set('host', folder);
  const relays = [await Relay.listen({ path: real }, join(folder, socketName))];
  const settings: Record<string, string> = { DATABASE_URL: throughRelay.href };
  if (redisUrl !== undefined) {
    const url = new URL(redisUrl);
    const relay = await Relay.listen({ host: url.hostname, port: Number(url.port) });
    url.port = String(relay.port);
    settings['REDIS_URL'] = url.href;
    relays.push(relay);
  }
  return { relays, settings };
}

async function timeToFollow(world: ChaosWorld, worker: FurtherWorker): Promise<number> {
  const startMs = performance.now();
  const { revision } = (await world.cluster.api('GET', '/health')).json as { revision: number };
  await waitUntil(
    'the worker follows again',
    async () => (await worker.health()).revision >= revision,
    followsWithinMs,
  ).catch((error: unknown) => {
    throw new Error(`the worker does not follow:\n${worker.log.slice(-3000)}`, { cause: error });
  });
  return performance.now() - startMs;
}
