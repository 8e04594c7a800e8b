/** The disk of a worker's audit spool is full, read-only or broken: what cannot be recorded is refused, and it mends itself. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AgentRequests, type Outcome } from './agent-requests.ts';
import { type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import { isSound } from './check-records.ts';
import { FurtherWorker } from './further-worker.ts';
import { describePercentiles, percentilesOf } from './percentiles.ts';
import { describeRun } from './report.ts';
import { type LoadRun, runUnderLoad } from './run-load.ts';
import { type Context, type Numbers, rateFlag, type Report, scenario } from './scenario.ts';
import { Seeded } from './seeded.ts';

const diskBytes = 16 * 1024 * 1024;
const recoversWithinMs = 10_000;

type Names = 'count' | 'seconds' | 'rate';

export const disk = scenario<Names>(
  'the disk of a worker’s audit spool is full, read-only, or fails (EIO), in the modes default and durable',
  {
    count: { byDefault: 2, most: 1000, help: 'times each' },
    seconds: { byDefault: 4, most: 600, help: 'for so long' },
    rate: rateFlag,
  },
  async ({ count, seconds, rate }: Numbers<Names>, { seed, redis, say }: Context): Promise<Report> => {
    const world = await startChaosWorld({ workers: 1, controlPlanes: 1, redis });
    try {
      const parts: Report[] = [];
      for (const mode of ['default', 'durable'] as const) {
        const options = { mode, count, forMs: seconds * 1000, rate };
        parts.push(reportOf(mode, await breakDisk(world, new Seeded(seed), options, say)));
      }
      return {
        isSound: parts.every((part) => part.isSound),
        text: parts.map(({ text }) => text).join('\n'),
        record: { parts: parts.map(({ record }) => record) },
      };
    } finally {
      await world.stop();
    }
  },
);

export interface DiskOptions {
  readonly mode: 'default' | 'durable';
  readonly count: number;
  readonly forMs: number;
  readonly rate: number;
  /** Between two faults. */
  readonly settleMs?: number;
}

export interface DiskRun {
  readonly run: LoadRun;
  /** From the moment that the disk is well until a secret leaves again. */
  readonly recoverMs: readonly number[];
  /** Requests that were refused meanwhile. */
  readonly refused: number;
  /** Events that the worker says it could not keep. */
  readonly lost: number;
}

/** A way in which a disk fails, for a while. */
interface DiskFault {
  readonly name: string;
  begin(): void;
  /** Called now and then meanwhile. */
  keepUp(): void;
  end(): void;
}

export async function breakDisk(
  world: ChaosWorld,
  random: Seeded,
  { mode, count, forMs, rate, settleMs = 1500 }: DiskOptions,
  say: (line: string) => void,
): Promise<DiskRun> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-disk-'));
  const { spool, faults: diskFaults, settings, release } = prepareDisk(folder, say);
  let worker: FurtherWorker | undefined;
  const recoverMs: number[] = [];
  try {
    const own = { ...settings, ONECLI_SPOOL_DIR: spool, ONECLI_AUDIT_MODE: mode };
    const started = (worker = await FurtherWorker.start(world.cluster, `worker-${mode}`, own));
    const options = { ratePerSecond: rate, rotateEveryMs: 0, proxyPort: worker.port };
    const run = await runUnderLoad(world, random, options, async (faults, { outcomes }) => {
      await pause(settleMs);
      for (const diskFault of Array.from({ length: count }, () => diskFaults).flat()) {
        const fault = faults.begin(diskFault.name, 'worker', 'unwritable');
        diskFault.begin();
        const healsAtMs = performance.now() + forMs;
        for (; performance.now() < healsAtMs; await pause(20)) diskFault.keepUp();
        diskFault.end();
        recoverMs.push(await timeToRecover(world, started, outcomes));
        fault.untilMs = Date.now();
        await pause(settleMs);
      }
    });
    const lost = await started.metric('onecli_audit_lost_total');
    return { run, recoverMs, refused: run.verdict.explainedFailures, lost };
  } finally {
    await worker?.stop();
    release();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Requests until one is served. @param outcomes get what came of them */
async function timeToRecover(world: ChaosWorld, worker: FurtherWorker, outcomes: Outcome[]): Promise<number> {
  const requests = new AgentRequests(worker.port, world.caPem);
  const startMs = performance.now();
  const [agent] = world.agents;
  try {
    for (let turn = 0; agent !== undefined && performance.now() - startMs < recoversWithinMs; turn += 1) {
      const outcome = await requests.make({ id: `recover-${startMs}-${turn}`, kind: 'fresh', agent });
      outcomes.push(outcome);
      if (outcome.problem === undefined) return performance.now() - startMs;
      await pause(10);
    }
    throw new Error(`the worker does not serve again:\n${worker.log.slice(-3000)}`);
  } finally {
    requests.close();
  }
}

/** A small disk in memory where that may be mounted, and a library that makes the system refuse writes where there is a compiler. */
function prepareDisk(folder: string, say: (line: string) => void) {
  const spool = join(folder, 'disk');
  const faults: DiskFault[] = [];
  let settings: Record<string, string> = {};
  mkdirSync(spool);
  const isMounted = succeeds(() =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'none', spool], quiet),
  );
  if (isMounted) faults.push(fullDisk(spool));
  else say('  full: skipped, nothing may be mounted here');
  const library = join(folder, 'broken-disk.so');
  const source = fileURLToPath(new URL('broken-disk.c', import.meta.url));
  if (succeeds(() => execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], quiet))) {
    const switchFile = join(folder, 'switch');
    settings = { LD_PRELOAD: library, BROKEN_DISK_FOLDER: spool, BROKEN_DISK_SWITCH: switchFile };
    faults.push(refusing('read-only', switchFile, 'EROFS'), refusing('EIO', switchFile, 'EIO'));
  } else say('  read-only, EIO: skipped, there is no C compiler');
  const release = (): void => void (isMounted && execFileSync('umount', ['--lazy', spool], quiet));
  return { spool, faults, settings, release };
}

const quiet = { stdio: 'ignore' } as const;

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** Another file takes all that is free, and all that becomes free. */
function fullDisk(spool: string): DiskFault {
  const path = join(spool, 'other-file');
  const block = Buffer.alloc(64 * 1024);
  const fill = (): void => {
    const descriptor = openSync(path, 'a');
    try {
      while (writeSync(descriptor, block) > 0);
    } catch {
      // It is full.
    } finally {
      closeSync(descriptor);
    }
  };
  return { name: 'full disk', begin: fill, keepUp: fill, end: () => rmSync(path) };
}

/** See broken-disk.c. */
function refusing(name: string, switchFile: string, code: 'EIO' | 'EROFS'): DiskFault {
  const end = (): void => writeFileSync(switchFile, '');
  end();
  const begin = (): void => writeFileSync(switchFile, String(constants.errno[code]));
  return { name, begin, keepUp: () => undefined, end };
}

function reportOf(mode: string, { run, recoverMs, refused, lost }: DiskRun): Report {
  const recovers = percentilesOf(recoverMs);
  const rows = [
    ['refused with 503', String(refused)],
    ['events lost, it says', String(lost)],
    ['serves again after', describePercentiles(recovers)],
  ].map(([name, value]) => `  ${(name ?? '').padEnd(24)} ${value}`);
  return {
    isSound: isSound(run.verdict) && lost === 0 && (recoverMs.length === 0 || refused > 0),
    text: [`  mode ${mode}`, describeRun(run), ...rows].join('\n'),
    record: { mode, seconds: run.seconds, refused, lost, recovers, ...run.verdict },
  };
}
