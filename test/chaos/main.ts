/**
 * `npm run chaos -- <scenario> [--count N] [--rate N] [--workers N] [--seed N] [--redis auto|on|off] [--json FILE]`
 * Exit code 1 when a sentence of the verdict does not hold.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isSound } from './check-records.ts';
import { startChaosWorld } from './chaos-world.ts';
import { describeRun } from './report.ts';
import { kills, pauses, rolling } from './scenarios.ts';
import { Seeded } from './seeded.ts';

const scenarios = { kills, pauses, rolling };
const defaultCounts: Record<keyof typeof scenarios, number> = { kills: 500, pauses: 30, rolling: 50 };

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    rate: { type: 'string', default: '30' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string' },
    redis: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
});
const name = positionals[0] as keyof typeof scenarios;
if (!(name in scenarios)) {
  console.error(`expected one of ${Object.keys(scenarios).join(', ')}`);
  process.exit(2);
}
const seed = Number(flags.seed ?? randomInt(2 ** 31));
const count = Number(flags.count ?? defaultCounts[name]);
console.log(`${name}: ${count} faults, ${flags.rate} arrivals a second, ${flags.workers} workers, seed ${seed}`);
const world = await startChaosWorld({ workers: Number(flags.workers), redis: flags.redis as 'auto' | 'on' | 'off' });
try {
  const run = await scenarios[name](world, new Seeded(seed), { count, ratePerSecond: Number(flags.rate) });
  console.log(describeRun(run));
  const record = { scenario: name, seed, count, rate: Number(flags.rate), seconds: run.seconds, ...run.verdict };
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(record, undefined, 2)}\n`);
  process.exitCode = isSound(run.verdict) ? 0 : 1;
} finally {
  await world.stop();
}
