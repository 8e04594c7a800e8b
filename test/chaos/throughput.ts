/** What a cluster serves in a second, and what each request costs, with one worker and with more, through HAProxy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startUpstreamNginx } from '../bench/bench-upstream.ts';
import { configureProduct, hasNginx } from '../bench/engines.ts';
import { endAllOwned } from '../bench/owned-processes.ts';
import { type CpuClocks, type MeasuredLoad, runLoad } from '../bench/run-load.ts';
import { type BenchCase, benchCases, benchHost } from '../bench/workload.ts';
import { freePort } from '../support/free-port.ts';
import { familyCpuMicros } from '../support/process-facts.ts';
import { proxyCredentials } from '../support/raw-agent.ts';
import { type ClusterOptions, type ClusterProcess, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { everyWorkerFollows } from './chaos-world.ts';
import { type Context, type Numbers, type Report, scenario } from './scenario.ts';

const workerCounts = [1, 2, 4] as const;
const warmUpMs = 1000;
const maxRequests = 1_000_000;

type Names = 'seconds' | 'rounds' | 'connections';

export const throughput = scenario<Names>(
  'requests a second and CPU time a request, through HAProxy, with 1, 2 and 4 workers',
  {
    seconds: { byDefault: 6, most: 600, help: 'of each measurement' },
    rounds: { byDefault: 3, most: 100, help: 'the median of so many is told' },
    connections: { byDefault: 32, most: 1000, help: 'that ask again as soon as they have their answer' },
  },
  run,
);

/** Of one number of workers: requests a second, microseconds of CPU time a request by kind of process. */
interface Row {
  readonly workers: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly micros: Readonly<Record<string, number>>;
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
      const row = await measure({ workers, redis, upstreamCaFile: authority.caFile, connectTo }, numbers);
      say(`  ${workers} workers: ${row.requestsPerSecond.toFixed(0)} a second`);
      rows.push(row);
    }
  } finally {
    await endAllOwned();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    isSound: rows.every(({ errors }) => errors === 0),
    text: rows.map(describeRow).join('\n'),
    record: { rows },
  };
}

async function measure(options: ClusterOptions, { seconds, rounds, connections }: Numbers<Names>): Promise<Row> {
  const cluster = await startCluster(options);
  try {
    const token = await configureProduct(cluster);
    await everyWorkerFollows(cluster);
    const clocks = await clocksOf(cluster);
    const [first] = benchCases;
    const load = { ...(first as BenchCase), connections };
    const order = {
      port: cluster.proxyPort,
      entry: 'connect' as const,
      proxyAuthorization: proxyCredentials('bench', token),
      load,
      warmUpMs,
      maxDurationMs: seconds * 1000,
      maxRequests,
    };
    const loads: MeasuredLoad[] = [];
    for (let round = 0; round < rounds; round += 1) loads.push(await runLoad(order, clocks));
    return rowOf(options.workers ?? 0, loads);
  } finally {
    await cluster.stop();
  }
}

/** One clock for all processes of a kind. */
async function clocksOf(cluster: TestCluster): Promise<CpuClocks> {
  const processes = await cluster.processes();
  const clock = (kind: ClusterProcess['kind']) => (): number =>
    processes.reduce((sum, one) => (one.kind === kind && one.pid ? sum + familyCpuMicros(one.pid) : sum), 0);
  const kinds: ClusterProcess['kind'][] = ['worker', 'haproxy', 'control-plane', 'postgres', 'redis'];
  return Object.fromEntries(kinds.map((kind) => [kind, clock(kind)]));
}

function rowOf(workers: number, loads: readonly MeasuredLoad[]): Row {
  const median = (read: (load: MeasuredLoad) => number): number => {
    const sorted = loads.map(read).toSorted((one, other) => one - other);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  };
  const kinds = Object.keys(loads[0]?.cpuMicros ?? {});
  return {
    workers,
    requestsPerSecond: median(({ requests, seconds }) => requests / seconds),
    p50Ms: median(({ p50Ms }) => p50Ms),
    p99Ms: median(({ p99Ms }) => p99Ms),
    errors: loads.reduce((sum, { errors }) => sum + errors, 0),
    micros: Object.fromEntries(
      kinds.map((kind) => [kind, median(({ cpuMicros, requests }) => (cpuMicros[kind] ?? 0) / Math.max(requests, 1))]),
    ),
  };
}

function describeRow({ workers, requestsPerSecond, p50Ms, p99Ms, errors, micros }: Row): string {
  const cpu = Object.entries(micros).map(([kind, each]) => `${kind} ${each.toFixed(1)}`);
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  return `  ${workers} workers: ${requestsPerSecond.toFixed(0)} a second, ${latency}, ${errors} errors; CPU µs a request: ${cpu.join(', ')}`;
}
