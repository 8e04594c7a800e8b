/** What a cluster serves in a second, and what each request costs, with one worker and with more, through HAProxy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startUpstreamNginx } from '../bench/bench-upstream.ts';
import { configureProduct, hasNginx } from '../bench/engines.ts';
import { endAllOwned } from '../bench/owned-processes.ts';
import { type CpuClocks, type MeasuredLoad, readClocks, runLoad } from '../bench/run-load.ts';
import { type BenchCase, benchCases, benchHost, type LoadOrder } from '../bench/workload.ts';
import { freePort } from '../support/free-port.ts';
import { proxyCredentials } from '../support/raw-agent.ts';
import { type ClusterOptions, startCluster } from '../support/start-cluster.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { everyWorkerFollows } from './chaos-world.ts';
import { clusterClocks } from './cluster-clocks.ts';
import { type Context, type Numbers, type Report, scenario } from './scenario.ts';

const workerCounts = [1, 2, 4] as const;
const connectMs = 1000;
const maxRequests = 1_000_000;
/** A worker is warm when a further round costs no less than the cheapest one before, by this share. */
const noLess = 0.97;
const warmRoundMs = 4000;
const leastWarmRounds = 3;
/** Nor is one warm before: its code is compiled by how often it ran, and each of four workers has a quarter of the requests. */
const leastRequestsEach = 100_000;
const settleMs = 3000;
const idleMs = 5000;
/** Of what one worker reaches: the rate that is offered to each number of workers. */
const offeredShare = 0.5;

type Names = 'seconds' | 'rounds' | 'connections' | 'warm' | 'rate';

export const throughput = scenario<Names>(
  'requests a second and CPU time a request, through HAProxy, with 1, 2 and 4 workers',
  {
    seconds: { byDefault: 6, most: 600, help: 'of each measurement' },
    rounds: { byDefault: 3, most: 100, help: 'the median of so many is told' },
    connections: { byDefault: 32, most: 1000, help: 'that ask again as soon as they have their answer' },
    warm: {
      byDefault: 240,
      most: 600,
      help: 'seconds at most until workers are warm: each had 100,000 requests, and one costs no less any more',
    },
    rate: {
      byDefault: 0,
      most: 100_000,
      help: 'requests a second offered to each; 0: half of what one worker reaches',
    },
  },
  run,
);

/** What a load came to: requests a second, microseconds of CPU time a request by kind of process. */
interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly micros: Readonly<Record<string, number>>;
}

/** Of one number of workers. */
interface Row {
  readonly workers: number;
  readonly warmSeconds: number;
  /** CPU time when nobody asks for anything, milliseconds a second, by kind of process. */
  readonly idle: Readonly<Record<string, number>>;
  /** As much as they can. */
  readonly saturated: Figures;
  /** At a rate that is the same for each number of workers, and that all of them can carry. */
  readonly offered: Figures & { readonly rate: number };
}

async function run(numbers: Numbers<Names>, { redis, say }: Context): Promise<Report> {
  if (!hasNginx()) throw new Error('nginx is not there (Debian: apt-get install nginx-light): it is the upstream');
  const folder = mkdtempSync(join(tmpdir(), 'onecli-throughput-'));
  const rows: Row[] = [];
  try {
    const authority = makeTestAuthority(folder);
    const upstream = await startUpstreamNginx(folder, await freePort(), authority);
    const connectTo = `${benchHost}:443=127.0.0.1:${upstream.port}`;
    for (const workers of workerCounts) {
      const [one] = rows;
      const rate = numbers.rate > 0 ? numbers.rate : one?.offered.rate;
      const row = await measure({ workers, redis, upstreamCaFile: authority.caFile, connectTo }, numbers, rate);
      say(describeRow(row));
      rows.push(row);
    }
  } finally {
    await endAllOwned();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    isSound: rows.every(({ saturated, offered }) => saturated.errors + offered.errors === 0),
    text: describeOffered(rows),
    record: { rows },
  };
}

/** @param rate to offer; undefined: half of what this one reaches */
async function measure(options: ClusterOptions, numbers: Numbers<Names>, rate: number | undefined): Promise<Row> {
  const cluster = await startCluster(options);
  try {
    const token = await configureProduct(cluster);
    await everyWorkerFollows(cluster);
    const clocks = await clusterClocks(cluster);
    const [first] = benchCases;
    const order: LoadOrder = {
      port: cluster.proxyPort,
      entry: 'connect',
      proxyAuthorization: proxyCredentials('bench', token),
      load: { ...(first as BenchCase), connections: numbers.connections },
      warmUpMs: connectMs,
      maxDurationMs: numbers.seconds * 1000,
      maxRequests,
    };
    const { workers = 0 } = options;
    const least = workers * leastRequestsEach;
    const warmSeconds = await warmUp({ ...order, maxDurationMs: warmRoundMs }, clocks, least, numbers.warm);
    const saturated = await figuresOf(order, clocks, numbers.rounds);
    const idle = await idleOf(clocks);
    const offeredRate = rate ?? Math.floor(saturated.requestsPerSecond * offeredShare);
    const offered = await figuresOf({ ...order, requestsPerSecond: offeredRate }, clocks, numbers.rounds);
    return { workers, warmSeconds, idle, saturated, offered: { ...offered, rate: offeredRate } };
  } finally {
    await cluster.stop();
  }
}

/**
 * Loads workers until they had `least` requests together, and one costs them no less than before, twice. Gives the seconds that it took,
 * which are `mostSeconds` where that comes first.
 */
async function warmUp(order: LoadOrder, clocks: CpuClocks, least: number, mostSeconds: number): Promise<number> {
  const startMs = performance.now();
  const secondsSince = (): number => (performance.now() - startMs) / 1000;
  let cheapest = Number.POSITIVE_INFINITY;
  let settled = 0;
  let done = 0;
  for (let round = 0; (settled < 2 || done < least) && secondsSince() < mostSeconds; round += 1) {
    const load = await runLoad(order, clocks);
    const cost = microsOf(load)['worker'] ?? 0;
    done += load.requests;
    settled = round >= leastWarmRounds && cost > cheapest * noLess ? settled + 1 : 0;
    cheapest = Math.min(cheapest, cost);
  }
  return secondsSince();
}

/** What the processes do besides: it is in what a request costs, and more so the fewer requests a worker has. */
async function idleOf(clocks: CpuClocks): Promise<Record<string, number>> {
  // The trail of what was asked before is written meanwhile.
  await pause(settleMs);
  const before = readClocks(clocks);
  await pause(idleMs);
  const after = Object.entries(readClocks(clocks));
  return Object.fromEntries(after.map(([kind, micros]) => [kind, (micros - (before[kind] ?? 0)) / idleMs]));
}

async function figuresOf(order: LoadOrder, clocks: CpuClocks, rounds: number): Promise<Figures> {
  const loads: MeasuredLoad[] = [];
  for (let round = 0; round < rounds; round += 1) loads.push(await runLoad(order, clocks));
  const median = (read: (load: MeasuredLoad) => number): number => {
    const sorted = loads.map(read).toSorted((one, other) => one - other);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  };
  const kinds = Object.keys(loads[0]?.cpuMicros ?? {});
  return {
    requestsPerSecond: median(({ requests, seconds }) => requests / seconds),
    p50Ms: median(({ p50Ms }) => p50Ms),
    p99Ms: median(({ p99Ms }) => p99Ms),
    errors: loads.reduce((sum, { errors }) => sum + errors, 0),
    micros: Object.fromEntries(kinds.map((kind) => [kind, median((load) => microsOf(load)[kind] ?? 0)])),
  };
}

function microsOf({ cpuMicros, requests }: MeasuredLoad): Record<string, number> {
  return Object.fromEntries(Object.entries(cpuMicros).map(([kind, micros]) => [kind, micros / Math.max(requests, 1)]));
}

function describeRow({ workers, warmSeconds, idle, saturated, offered }: Row): string {
  const resting = Object.entries(idle).map(([kind, each]) => `${kind} ${each.toFixed(1)}`);
  return [
    `  ${workers} workers, warm after ${warmSeconds.toFixed(0)} s; CPU ms a second at rest: ${resting.join(', ')}`,
    `    saturated: ${describeFigures(saturated)}`,
    `    ${offered.rate} a second offered: ${describeFigures(offered)}`,
  ].join('\n');
}

function describeFigures({ requestsPerSecond, p50Ms, p99Ms, errors, micros }: Figures): string {
  const cpu = Object.entries(micros).map(([kind, each]) => `${kind} ${each.toFixed(1)}`);
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  return `${requestsPerSecond.toFixed(0)} a second, ${latency}, ${errors} errors; CPU µs a request: ${cpu.join(', ')}`;
}

function describeOffered(rows: readonly Row[]): string {
  const costs = rows.map(({ workers, offered }) => `${workers}: ${(offered.micros['worker'] ?? 0).toFixed(1)}`);
  return `  CPU µs of the workers a request at the same offered rate, by workers: ${costs.join(', ')}`;
}
