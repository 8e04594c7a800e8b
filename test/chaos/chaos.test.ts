import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from './check-records.ts';
import { type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import { cutOff } from './cut.ts';
import { breakDisk } from './disk.ts';
import { settingsOfWorker } from './further-worker.ts';
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

/** Every sentence of the verdict that does not hold, with examples. */
function problemsOf({ verdict }: LoadRun): object {
  const findings = Object.entries(verdict).filter((entry): entry is [string, Finding] => typeof entry[1] !== 'number');
  return Object.fromEntries(findings.filter(([, { count }]) => count > 0));
}

describe(`a cluster in which processes die (seed ${seed})`, () => {
  it('loses no audit event, fails only what a killed worker had under way, and lets no credential go where it may not', async () => {
    const run = await kills(world, new Seeded(seed), { count: 5, ratePerSecond: 15 });
    console.log(describeRun(run));
    expect(run.verdict.arrivalsWithSecret).toBeGreaterThan(20);
    expect(problemsOf(run)).toEqual({});
  });

  it('restarts its workers one after another without anybody noticing, and with every event', async () => {
    const run = await rolling(world, new Seeded(seed + 1), { count: 2, ratePerSecond: 15 });
    console.log(describeRun(run));
    expect(run.faults.done).toHaveLength(2);
    expect(problemsOf(run)).toEqual({});
    expect(run.verdict.explainedFailures).toBe(0);
  });

  it('refuses what it cannot record while the disk is full, read-only or broken, loses nothing, and serves again by itself', async () => {
    const options = { mode: 'default', count: 1, forMs: 400, rate: 15, settleMs: 500 } as const;
    const { run, refused, lost, recoverMs } = await breakDisk(world, new Seeded(seed + 2), options, console.log);
    console.log(describeRun(run));
    expect(problemsOf(run)).toEqual({});
    expect([lost, refused > 0]).toEqual([0, recoverMs.length > 0]);
  });

  it('serves on while a worker is cut off from PostgreSQL and Redis, and has what was changed afterwards', async () => {
    const options = { count: 1, longestMs: 2000, rate: 15, settleMs: 500 };
    const { run } = await cutOff(world, new Seeded(seed + 3), options);
    console.log(describeRun(run));
    expect(problemsOf(run)).toEqual({});
    expect(run.verdict.explainedFailures).toBe(0);
  });

  it('has each worker sign in to the database as a role of its own, which may change nothing', async () => {
    const processes = await world.cluster.processes();
    const userOf = (pid: number | undefined): string | null => {
      const lines = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const url = lines.find((line) => line.startsWith('DATABASE_URL='))?.slice('DATABASE_URL='.length) ?? '';
      return new URL(url).searchParams.get('user');
    };
    const users = (kind: string) => processes.filter((one) => one.kind === kind).map(({ pid }) => userOf(pid));
    expect(users('worker')).toEqual(['onecli_worker_1', 'onecli_worker_2', 'onecli_worker_3']);
    expect(users('control-plane')).toEqual(['onecli', 'onecli']);
    const owners = new URL((await settingsOfWorker(world.cluster))['DATABASE_URL'] ?? '');
    owners.searchParams.set('user', 'onecli');
    const database = new pg.Client({ connectionString: owners.href });
    await database.connect();
    try {
      // What a role is bound to is all that it may report as.
      const { rows } = await database.query(
        'SELECT name, worker FROM worker_role WHERE worker IS NOT NULL ORDER BY name',
      );
      expect(rows).toEqual([1, 2, 3].map((at) => ({ name: `onecli_worker_${at}`, worker: `worker-${at}` })));
    } finally {
      await database.end();
    }
  });
});
