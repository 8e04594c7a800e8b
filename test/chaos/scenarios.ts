/** The scenarios of the chaos suite that run under the open-loop load. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosWorld } from './chaos-world.ts';
import type { Faults, FaultyKind } from './faults.ts';
import { type LoadRun, runUnderLoad } from './run-load.ts';
import type { Seeded } from './seeded.ts';

export interface ScenarioOptions {
  /** Of faults. */
  readonly count: number;
  readonly ratePerSecond: number;
  readonly say?: (line: string) => void;
}

const settleMs = 1500;
/** Workers that go on while one is struck. */
const leastServing = 2;
/** Workers are most of a cluster, and what agents are connected to. */
const killable: readonly FaultyKind[] = ['worker', 'worker', 'worker', 'control-plane', 'postgres', 'redis'];

/** kill -9 of random workers, control planes, Postgres and Redis, one after another. */
export function kills(world: ChaosWorld, random: Seeded, options: ScenarioOptions): Promise<LoadRun> {
  return runUnderLoad(world, random, { ...options, rotateEveryMs: 2000 }, async (faults) => {
    await pause(settleMs);
    for (let done = 0; done < options.count; ) {
      const one = await pickServing(faults, random, random.pick(killable));
      if (one !== undefined && faults.kill(one)) done += 1;
      await pause(random.between(100, 900));
    }
    await pause(settleMs);
  });
}

/** Processes that hang for some seconds, the database and Redis among them. */
export function pauses(world: ChaosWorld, random: Seeded, options: ScenarioOptions): Promise<LoadRun> {
  return runUnderLoad(world, random, { ...options, rotateEveryMs: 2000 }, async (faults) => {
    await pause(settleMs);
    for (let done = 0; done < options.count; ) {
      const one = await pickServing(faults, random, random.pick(killable));
      if (one !== undefined) {
        await faults.pause(one, random.between(500, 4000));
        done += 1;
      }
      await pause(random.between(100, 900));
    }
    await pause(settleMs);
  });
}

/** Workers stopped by SIGTERM and started again, one after another: nobody may notice. */
export function rolling(world: ChaosWorld, random: Seeded, options: ScenarioOptions): Promise<LoadRun> {
  return runUnderLoad(world, random, { ...options, rotateEveryMs: 5000 }, async (faults) => {
    await pause(settleMs);
    for (let done = 0; done < options.count; done += 1) {
      const workers = await faults.serving(['worker']);
      const next = workers[done % workers.length];
      if (next !== undefined) await faults.restart(next);
    }
    await pause(settleMs);
  });
}

export interface OfflineOptions {
  readonly forMs: number;
  /** Of workers, one after another, spread over that time. */
  readonly restarts: number;
  readonly ratePerSecond: number;
  readonly say?: (line: string) => void;
}

/** Control planes, Postgres and Redis are stopped; workers serve on, and are restarted. */
export function offline(world: ChaosWorld, random: Seeded, options: OfflineOptions): Promise<LoadRun> {
  const { forMs, restarts, ...load } = options;
  return runUnderLoad(world, random, { ...load, rotateEveryMs: 0 }, async (faults) => {
    await pause(settleMs);
    const behind = (await world.cluster.processes()).filter(({ kind }) => kind !== 'worker' && kind !== 'haproxy');
    // Who uses the others first: what is behind is gone when nobody asks it any more.
    for (const kind of ['control-plane', 'redis', 'postgres'] as const)
      await faults.stop(behind.filter((one) => one.kind === kind));
    const startMs = performance.now();
    for (let done = 0; done < restarts; done += 1) {
      const dueMs = startMs + (forMs * (done + 0.5)) / restarts;
      await pause(Math.max(dueMs - performance.now(), 0));
      const workers = await faults.serving(['worker']);
      const next = workers[done % workers.length];
      if (next !== undefined) await faults.restart(next);
    }
    await pause(Math.max(startMs + forMs - performance.now(), 0));
    for (const kind of ['postgres', 'redis', 'control-plane'] as const)
      await faults.start(behind.filter((one) => one.kind === kind));
    await pause(settleMs);
  });
}

/** Of one kind; of workers only while enough others serve, for a balancer has to have somewhere to go. */
async function pickServing(faults: Faults, random: Seeded, kind: FaultyKind) {
  const serving = await faults.serving([kind]);
  const fewest = kind === 'worker' ? leastServing + 1 : 1;
  return serving.length < fewest ? undefined : random.pick(serving);
}
