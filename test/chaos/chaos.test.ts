import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from './check-records.ts';
import { type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import { describeRun } from './report.ts';
import type { LoadRun } from './run-load.ts';
import { kills, rolling } from './scenarios.ts';
import { Seeded } from './seeded.ts';

const seed = Math.floor(Math.random() * 2 ** 31);
let world: ChaosWorld;

beforeAll(async () => {
  world = await startChaosWorld({ workers: 3 });
});
afterAll(() => world.stop());

/** What has to hold, with examples where it does not. */
function problemsOf({ verdict }: LoadRun, sentences: readonly (keyof Verdict)[]): object {
  return Object.fromEntries(sentences.map((name) => [name, verdict[name]]).filter(([, found]) => isProblem(found)));
}

function isProblem(found: unknown): boolean {
  return typeof found === 'number' ? found > 0 : (found as { count: number }).count > 0;
}

const ofCredentials = ['wrongCredentials', 'unpermitted', 'secretsAtAgents'] as const;

describe(`a cluster in which processes die (seed ${seed})`, () => {
  it('fails only what a killed worker had under way, and lets no credential go where it may not', async () => {
    const run = await kills(world, new Seeded(seed), { count: 5, ratePerSecond: 15 });
    console.log(describeRun(run));
    expect(run.verdict.arrivalsWithSecret).toBeGreaterThan(20);
    expect(problemsOf(run, [...ofCredentials, 'unexplainedFailures'])).toEqual({});
  });

  it('restarts its workers one after another without anybody noticing, and with every event', async () => {
    const run = await rolling(world, new Seeded(seed + 1), { count: 2, ratePerSecond: 15 });
    console.log(describeRun(run));
    expect(run.faults.done).toHaveLength(2);
    expect(problemsOf(run, [...ofCredentials, 'unexplainedFailures', 'explainedFailures'])).toEqual({});
    expect(problemsOf(run, ['secretsWithoutEvent', 'answersWithoutEvent'])).toEqual({});
  });
});
