/** How soon a grant that is taken away holds: at the last of many workers, after `wait: ALL`, and when nobody announces it. */
import { setTimeout as pause } from 'node:timers/promises';
import { describePercentiles, type Percentiles, percentilesOf } from './percentiles.ts';
import { RevokeWorld, type Said } from './revoke-world.ts';
import { type Context, type Numbers, type Report, scenario, workersFlag } from './scenario.ts';

/** A worker that still serves so long after the change does not follow at all. */
const deadlineMs = 15_000;
/** A request that was judged before may be on its way to the upstream for so long. */
const underwayMs = 50;
const tellEveryMs = 20_000;
/** Asking without a pause would take the time that following a change needs. */
const askEveryMs = 4;

/** What has to hold; see the acceptance of the cluster in docs/cluster.md. */
const limits = { p50: 20, p99: 100, unannounced: 2000 };

type Names = 'trials' | 'waits' | 'cuts' | 'seconds' | 'workers';

export const revoke = scenario<Names>(
  'a grant is taken away: when does the last worker refuse, and is the secret used after wait: ALL has answered?',
  {
    trials: { byDefault: 2000, most: 100_000, help: 'times until the last worker refuses' },
    waits: { byDefault: 10_000, most: 1_000_000, help: 'trials with wait: ALL' },
    cuts: { byDefault: 20, most: 1000, help: 'trials while Redis hangs, so that no announcement comes' },
    seconds: { byDefault: 3600, most: 86_400, help: 'each of the three parts ends after so long at the latest' },
    workers: workersFlag(8),
  },
  run,
);

async function run(numbers: Numbers<Names>, context: Context): Promise<Report> {
  const { trials, waits, cuts, seconds, workers } = numbers;
  const revokes = await RevokeWorld.start(workers, context);
  try {
    await revokes.grant(false, 'ALL');
    const announced = await timeRevokes(revokes, trials, seconds, context.say);
    const waited = await useAfterWait(revokes, waits, seconds, context.say);
    const cutTimes = await withoutAnnouncements(revokes, cuts, seconds);
    return reportOf({ announced, waited, cutTimes, workers });
  } finally {
    await revokes.stop();
  }
}

interface RevokeTimes {
  /** From the API's call, before the commit. */
  readonly fromCall: number[];
  /** From the API's answer, after the commit. */
  readonly fromAnswer: number[];
}

/** Gives how long after the API was called, and after it answered, the last worker gave its first refusal. */
async function timeRevokes(
  revokes: RevokeWorld,
  trials: number,
  seconds: number,
  say: (line: string) => void,
): Promise<RevokeTimes> {
  const times: RevokeTimes = { fromCall: [], fromAnswer: [] };
  await inTime('revokes', trials, seconds, say, async (trial) => {
    await revokes.grant(true, 'ALL');
    requireAll(await revokes.askAll(`given-${trial}`), 200);
    const { calledMs, answeredMs } = await revokes.grant(false, 'NONE');
    const refusals = await revokes.askAllUntil(403, `taken-${trial}`, performance.now() + deadlineMs, askEveryMs);
    const lastMs = Math.max(...refusals.map((said) => said.answeredMs));
    times.fromCall.push(lastMs - calledMs);
    times.fromAnswer.push(lastMs - answeredMs);
    revokes.world.upstream.arrivals.length = 0;
  });
  return times;
}

interface Waited {
  trials: number;
  /** Requests that were sent after the answer. */
  asked: number;
  uses: number;
  /** How long the API took. */
  readonly times: number[];
}

/** Requests go to every worker all the time; once `wait: ALL` has answered, none may bring the secret any more. */
async function useAfterWait(
  revokes: RevokeWorld,
  waits: number,
  seconds: number,
  say: (line: string) => void,
): Promise<Waited> {
  const { arrivals } = revokes.world.upstream;
  const waited: Waited = { trials: 0, asked: 0, uses: 0, times: [] };
  await inTime('wait: ALL', waits, seconds, say, async (trial) => {
    await revokes.grant(true, 'ALL');
    requireAll(await revokes.askAll(`given-${trial}`), 200);
    arrivals.length = 0;
    const underway = revokes.askAll(`underway-${trial}`);
    const { calledMs, answeredMs } = await revokes.grant(false, 'ALL');
    const answeredAt = Date.now();
    await underway;
    const after = await revokes.askAll(`after-${trial}`);
    waited.trials += 1;
    waited.asked += after.length;
    waited.times.push(answeredMs - calledMs);
    const used = arrivals.filter(({ id, atMs }) => id.startsWith('after-') || atMs > answeredAt + underwayMs);
    waited.uses += Math.max(used.length, after.filter(({ status }) => status !== 403).length);
  });
  return waited;
}

/** The same as the first while Redis is stopped: workers find the change by looking. Gives the times from the API's call. */
async function withoutAnnouncements(revokes: RevokeWorld, cuts: number, seconds: number): Promise<number[]> {
  const redis = (await revokes.world.cluster.processes()).find(({ kind }) => kind === 'redis');
  if (redis?.pid === undefined || cuts === 0) return [];
  const times: number[] = [];
  process.kill(redis.pid, 'SIGSTOP');
  try {
    await inTime(
      'unannounced',
      cuts,
      seconds,
      () => undefined,
      async (trial) => {
        await revokes.grant(true, 'ALL');
        requireAll(await revokes.askAll(`given-${trial}`), 200);
        // The API's answer waits for Redis for two seconds: workers are asked meanwhile.
        const taking = revokes.grant(false, 'NONE');
        const refusals = await revokes.askAllUntil(403, `cut-${trial}`, performance.now() + deadlineMs, askEveryMs);
        const { calledMs } = await taking;
        times.push(Math.max(...refusals.map((said) => said.answeredMs)) - calledMs);
        // At another moment between two looks each time.
        await pause((trial * 137) % 1000);
      },
    );
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  return times;
}

async function inTime(
  what: string,
  trials: number,
  seconds: number,
  say: (line: string) => void,
  one: (trial: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  let toldMs = startMs;
  for (let trial = 0; trial < trials && performance.now() - startMs < seconds * 1000; trial += 1) {
    await one(trial);
    if (performance.now() - toldMs < tellEveryMs) continue;
    toldMs = performance.now();
    say(`  ${what}: ${trial + 1} of ${trials}`);
  }
}

function requireAll(said: readonly Said[], status: number): void {
  const other = said.find((one) => one.status !== status);
  if (other) throw new Error(`${other.worker} answers ${other.status} where ${status} is expected`);
}

function reportOf(found: {
  readonly announced: RevokeTimes;
  readonly waited: Waited;
  readonly cutTimes: readonly number[];
  readonly workers: number;
}): Report {
  const { announced, waited, cutTimes, workers } = found;
  const fromCall = percentilesOf(announced.fromCall);
  const fromAnswer = percentilesOf(announced.fromAnswer);
  const waits = percentilesOf(waited.times);
  const unannounced = percentilesOf(cutTimes);
  const isAtMost = (times: Percentiles, figure: 'p50' | 'p99' | 'worst', limit: number): boolean =>
    times.count === 0 || times[figure] <= limit;
  const isQuick = isAtMost(fromAnswer, 'p50', limits.p50) && isAtMost(fromAnswer, 'p99', limits.p99);
  const isSound = waited.uses === 0 && isAtMost(unannounced, 'worst', limits.unannounced);
  const rows = [
    [`last of ${workers} refuses, from the API's call`, describePercentiles(fromCall)],
    [`last of ${workers} refuses, from the API's answer`, describePercentiles(fromAnswer)],
    ['that is at most p50 20 ms, p99 100 ms', fromAnswer.count === 0 ? '-' : isQuick ? 'yes' : 'NO'],
    ['wait: ALL answers after', describePercentiles(waits)],
    ['uses after it', `${waited.uses} of ${waited.asked} requests in ${waited.trials} trials`],
    ['while Redis hangs, from the call', describePercentiles(unannounced)],
  ];
  const text = rows.map(([name, value]) => `  ${(name ?? '').padEnd(44)} ${value}`).join('\n');
  const { trials, asked, uses } = waited;
  return {
    isSound,
    text,
    record: { workers, fromCall, fromAnswer, isQuick, wait: { trials, asked, uses, ...waits }, unannounced },
  };
}
