import { cut } from './cut.ts';
import { disk } from './disk.ts';
import type { LoadRun } from './run-load.ts';
import { startChaosWorld, type ChaosWorld } from './chaos-world.ts';
import { isSound } from './check-records.ts';
import { describeRun } from './report.ts';
import { revoke } from './revoke.ts';
import {
  rateFlag,
  type Context,
  type Flag,
  type Numbers,
  type Report,
  type Scenario,
  scenario,
  workersFlag,
} from './scenario.ts';
import { kills, offline, pauses, rolling } from './scenarios.ts';
import { Seeded } from './seeded.ts';
import { throughput } from './throughput.ts';

const countFlag = (byDefault: number, help: string): Flag => ({ byDefault, most: 10_000, help });
const loadFlags = { rate: rateFlag, workers: workersFlag(4) };

/** By the name that is typed. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  kills: scenario(
    'kill -9 of random workers, control planes, PostgreSQL and Redis',
    { count: countFlag(500, 'kills'), ...loadFlags },
    (numbers, context) =>
      underLoad(numbers, context, (world, random) => kills(world, random, optionsOf(numbers, context))),
  ),
  pauses: scenario(
    'each of them hangs for some seconds',
    { count: countFlag(30, 'pauses'), ...loadFlags },
    (numbers, context) =>
      underLoad(numbers, context, (world, random) => pauses(world, random, optionsOf(numbers, context))),
  ),
  rolling: scenario(
    'workers are stopped in order and started again, one after another: nobody may notice',
    { count: countFlag(50, 'restarts'), ...loadFlags },
    (numbers, context) =>
      underLoad(numbers, context, (world, random) => rolling(world, random, optionsOf(numbers, context))),
  ),
  offline: scenario(
    'control planes, PostgreSQL and Redis are away, while workers serve and are restarted',
    {
      minutes: { byDefault: 10, most: 24 * 60, help: 'for so long; fractions are good' },
      restarts: countFlag(20, 'restarts of workers meanwhile'),
      ...loadFlags,
    },
    (numbers, context) =>
      underLoad(numbers, context, (world, random) =>
        offline(world, random, {
          forMs: numbers.minutes * 60_000,
          restarts: numbers.restarts,
          ratePerSecond: numbers.rate,
          say: context.say,
        }),
      ),
  ),
  revoke,
  cut,
  disk,
  throughput,
};

function optionsOf({ count, rate }: Numbers<'count' | 'rate'>, { say }: Context) {
  return { count, ratePerSecond: rate, say };
}

async function underLoad(
  { workers, rate }: Numbers<'workers' | 'rate'>,
  { seed, redis, say }: Context,
  run: (world: ChaosWorld, random: Seeded) => Promise<LoadRun>,
): Promise<Report> {
  const world = await startChaosWorld({ workers, redis });
  try {
    const done = await run(world, new Seeded(seed));
    // Told at once: whatever comes when the cluster is stopped, it is known.
    say(describeRun(done));
    const record = { workers, rate, seconds: done.seconds, faults: done.faults.done.length, ...done.verdict };
    return { isSound: isSound(done.verdict), text: '', record };
  } finally {
    await world.stop();
  }
}
