import { cpuMicros, peakBytes } from '../support/process-facts.ts';
import type { Engine, EngineName } from './engines.ts';
import { type CpuClocks, type MeasuredLoad, runLoad } from './run-load.ts';
import { type BenchCase, benchCases, type EnginePort, secretValue } from './workload.ts';

/** How long and how often. */
export interface Effort {
  rounds: number;
  /** Before all cases each engine is under load for so long: a gateway runs for days, and what it costs while its code is compiled is not the question. */
  settleMs: number;
  /** Before each measurement: the load generator is a new process each time. */
  warmUpMs: number;
  maxDurationMs: number;
}

/** The median over the rounds for one engine under one load. */
export interface CaseResult {
  engine: EngineName | 'direct';
  requestsPerSecond: number;
  cpuMicrosPerRequest: number;
  p50Ms: number;
  p99Ms: number;
  requests: number;
  errors: number;
  /** CPU µs per request of the product's other processes. */
  beside: Record<string, number>;
}

export interface CaseReport {
  name: string;
  results: CaseResult[];
}

/** The latency that an engine adds to a direct request at one fixed rate. */
export interface AddedLatency {
  requestsPerSecond: number;
  results: (CaseResult & { addedP50Ms: number; addedP99Ms: number })[];
}

const maxRequests = 200_000;
/** The slowest hundredth at a low rate takes so much longer to be told. */
const rareShare = 2;
const ownClock = 'engine';

/** Lets all engines settle, then runs the cases over them in turn, round by round. `say` is told of each run. */
export async function measureSaturation(
  engines: readonly Engine[],
  cases: readonly BenchCase[],
  effort: Effort,
  say: (line: string) => void,
): Promise<CaseReport[]> {
  const reports: CaseReport[] = [];
  for (const load of cases.slice(0, 1))
    for (const engine of engines)
      await runLoad({ ...engine.entry, warmUpMs: 0, maxDurationMs: effort.settleMs, load, maxRequests }, {});
  for (const load of cases) {
    const runs = new Map<Engine, MeasuredLoad[]>(engines.map((engine) => [engine, []]));
    for (let round = 1; round <= effort.rounds; round += 1) {
      for (const engine of engines) {
        const result = await runLoad({ ...engine.entry, ...effort, load, maxRequests }, clocksOf(engine));
        runs.get(engine)?.push(result);
        const problem = result.errors > 0 ? `, ${result.errors} ERRORS: ${result.firstError}` : '';
        say(`${load.name}, round ${round}: ${engine.name} ${Math.round(result.requests / result.seconds)}/s${problem}`);
      }
    }
    reports.push({ name: load.name, results: [...runs].map(([engine, results]) => summarise(engine, results)) });
  }
  return reports;
}

/** Runs the 1 KB case at a quarter of what onecli (or, without it, undici) can do, straight to the upstream and through each engine. */
export async function measureAddedLatency(
  engines: readonly Engine[],
  upstreamPort: number,
  saturation: CaseReport | undefined,
  effort: Effort,
): Promise<AddedLatency | undefined> {
  const load = benchCases[0];
  const reference = ['onecli', 'undici'].flatMap(
    (name) => saturation?.results.filter((one) => one.engine === name) ?? [],
  )[0];
  if (load === undefined || reference === undefined) return undefined;
  const requestsPerSecond = Math.round(reference.requestsPerSecond / 4);
  const direct: EnginePort = { port: upstreamPort, entry: 'tls', authorization: `Bearer ${secretValue}` };
  const lanes = [undefined, ...engines];
  const longer = { warmUpMs: effort.warmUpMs * rareShare, maxDurationMs: effort.maxDurationMs * rareShare };
  const runs = new Map<Engine | undefined, MeasuredLoad[]>(lanes.map((lane) => [lane, []]));
  for (let round = 1; round <= effort.rounds; round += 1) {
    for (const lane of lanes) {
      const order = { ...(lane?.entry ?? direct), ...longer, load, maxRequests, requestsPerSecond };
      runs.get(lane)?.push(await runLoad(order, lane === undefined ? {} : clocksOf(lane)));
    }
  }
  const results = [...runs].map(([lane, loads]) => summarise(lane, loads));
  const [straight] = results;
  const added = results.map((one) => ({
    ...one,
    addedP50Ms: one.p50Ms - (straight?.p50Ms ?? 0),
    addedP99Ms: one.p99Ms - (straight?.p99Ms ?? 0),
  }));
  return { requestsPerSecond, results: added };
}

/** Peak resident memory of each engine's process, in bytes. */
export function peakMemory(engines: readonly Engine[]): Record<string, number> {
  return Object.fromEntries(engines.map((engine) => [engine.name, peakBytes(engine.pid)]));
}

/** Gives one engine's value over nginx's, or undefined when either is missing. */
export function ratioTo(report: CaseReport, engine: string, base: string): number | undefined {
  const micros = (name: string): number | undefined =>
    report.results.find((one) => one.engine === name)?.cpuMicrosPerRequest;
  const [over, under] = [micros(engine), micros(base)];
  return over === undefined || under === undefined || under === 0 ? undefined : over / under;
}

function summarise(engine: Engine | undefined, loads: readonly MeasuredLoad[]): CaseResult {
  const perRequest = (clock: string): number =>
    median(loads.map((load) => (load.cpuMicros[clock] ?? 0) / Math.max(load.requests, 1)));
  return {
    engine: engine?.name ?? 'direct',
    requestsPerSecond: median(loads.map((load) => load.requests / load.seconds)),
    cpuMicrosPerRequest: engine === undefined ? 0 : perRequest(ownClock),
    p50Ms: median(loads.map((load) => load.p50Ms)),
    p99Ms: median(loads.map((load) => load.p99Ms)),
    requests: loads.reduce((sum, load) => sum + load.requests, 0),
    errors: loads.reduce((sum, load) => sum + load.errors, 0),
    beside: Object.fromEntries(Object.keys(engine?.beside ?? {}).map((name) => [name, perRequest(name)])),
  };
}

function clocksOf(engine: Engine): CpuClocks {
  return { [ownClock]: () => cpuMicros(engine.pid), ...engine.beside };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
