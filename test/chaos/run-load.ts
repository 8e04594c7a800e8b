/** A load, faults while it runs, and the verdict over its records. */
import { setTimeout as pause } from 'node:timers/promises';
import { checkRecords, type Verdict } from './check-records.ts';
import type { ChaosWorld } from './chaos-world.ts';
import { Faults } from './faults.ts';
import { OpenLoop } from './open-loop.ts';
import { readTrail, verifyTrail } from './read-trail.ts';
import type { Seeded } from './seeded.ts';

const tellEveryMs = 30_000;

export interface LoadRun {
  readonly verdict: Verdict;
  readonly faults: Faults;
  readonly seconds: number;
}

export interface LoadOptions {
  readonly ratePerSecond: number;
  /** Milliseconds between two rotations of a secret; 0: none. */
  readonly rotateEveryMs: number;
  /** Of one worker, in place of the balancer's. */
  readonly proxyPort?: number;
  /** Tells every half minute how far it is. */
  readonly say?: ((line: string) => void) | undefined;
}

/** Runs the load while `strike` does what it does; waits until all is well, and judges. */
export async function runUnderLoad(
  world: ChaosWorld,
  random: Seeded,
  { ratePerSecond, rotateEveryMs, proxyPort = world.cluster.proxyPort, say = () => undefined }: LoadOptions,
  strike: (faults: Faults, load: OpenLoop) => Promise<void>,
): Promise<LoadRun> {
  const startMs = Date.now();
  const before = world.upstream.arrivals.length;
  const faults = new Faults(world.cluster);
  const load = new OpenLoop(world, random, { ratePerSecond, proxyPort });
  const telling = setInterval(() => say(progress(startMs, faults, load)), tellEveryMs);
  const rotating = new AbortController();
  const rotation = rotateEveryMs > 0 ? rotateUntil(world, rotateEveryMs, rotating.signal) : undefined;
  try {
    await strike(faults, load);
  } finally {
    clearInterval(telling);
    rotating.abort();
    await rotation;
    await load.end();
  }
  await faults.recovered();
  const { outcomes } = load;
  const { agents, values } = world;
  const arrivals = world.upstream.arrivals.slice(before);
  const awaited = outcomes.filter(({ problem }) => problem === undefined).map(({ id }) => id);
  const events = await readTrail(world.cluster, startMs - 1000, [...awaited, ...arrivals.map(({ id }) => id)]);
  const trailFaults = await verifyTrail(world.cluster);
  const records = { agents, values, arrivals, outcomes, events, faults: faults.done, trailFaults };
  return { verdict: checkRecords(records), faults, seconds: (Date.now() - startMs) / 1000 };
}

function progress(startMs: number, faults: Faults, load: OpenLoop): string {
  const failed = load.outcomes.filter(({ problem }) => problem !== undefined).length;
  const seconds = Math.round((Date.now() - startMs) / 1000);
  return `  after ${seconds} s: ${faults.done.length} faults, ${load.arrived} requests, ${failed} of them failed`;
}

/** Configuration changes while processes die; one that fails is tried no second time. */
async function rotateUntil(world: ChaosWorld, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const secret of world.values.keys()) await world.rotate(secret).catch(() => undefined);
    await pause(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
