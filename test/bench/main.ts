// `npm run bench [-- --quick] [--write] [--engines=nginx,undici] [--case='1 KB']`: the engines side by side, in one run, on one machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { type Onecli, repositoryRoot } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { startUpstreamNginx } from './bench-upstream.ts';
import { drawChart } from './draw-chart.ts';
import {
  type Engine,
  type EngineContext,
  hasNginx,
  startMitmEngine,
  startNginxEngine,
  startOnecliEngine,
  startSpliceEngine,
  startUndiciEngine,
} from './engines.ts';
import { type Effort, measureAddedLatency, measureSaturation, peakMemory } from './measure.ts';
import { endAllOwned } from './owned-processes.ts';
import { benchCases } from './workload.ts';
import { type BenchReport, describeMachine, formatReport } from './report.ts';

const flags = process.argv.slice(2);
const wanted = flags
  .find((flag) => flag.startsWith('--engines='))
  ?.slice('--engines='.length)
  .split(',');
const caseName = flags.find((flag) => flag.startsWith('--case='))?.slice('--case='.length) ?? '';
const effort: Effort = flags.includes('--quick')
  ? { rounds: 1, settleMs: 1_000, warmUpMs: 250, maxDurationMs: 1_000 }
  : { rounds: 3, settleMs: 8_000, warmUpMs: 1_000, maxDurationMs: 2_500 };

/** What has to be ended and removed, whatever happens. */
const folder = mkdtempSync(join(tmpdir(), 'onecli-bench-'));
let product: Onecli | undefined;

async function startEngines(context: EngineContext, skipped: string[]): Promise<Engine[]> {
  const engines: Engine[] = [];
  const isWanted = (name: string): boolean => wanted === undefined || wanted.includes(name);
  if (isWanted('nginx')) engines.push(await startNginxEngine(context));
  if (isWanted('onecli')) {
    try {
      const started = await startOnecliEngine(context);
      product = started.onecli;
      engines.push(started.engine);
    } catch (error) {
      skipped.push(`onecli did not start: ${(error as Error).message.slice(0, 2_000)}`);
    }
  }
  if (isWanted('undici')) engines.push(await startUndiciEngine(context));
  if (isWanted('splice')) engines.push(await startSpliceEngine(context));
  if (isWanted('http-mitm-proxy')) engines.push(await startMitmEngine(context));
  return engines;
}

async function run(): Promise<number> {
  if (!hasNginx()) {
    say(
      'nginx is not installed (Debian: apt-get install nginx-light): it is the upstream and the measure, so there is nothing to compare. Skipped.',
    );
    return 0;
  }
  const authority = makeTestAuthority(join(folder, 'authority'), 'OneCLI benchmark');
  const upstream = await startUpstreamNginx(folder, await freePort(), authority);
  const skipped: string[] = [];
  const engines = await startEngines({ folder, authority, upstream }, skipped);
  const chosen = benchCases.filter((one) => one.name.includes(caseName));
  const cases = await measureSaturation(engines, chosen, effort, say);
  const addedLatency = await measureAddedLatency(engines, upstream.port, cases[0], effort);
  const report: BenchReport = {
    machine: describeMachine(),
    effort,
    cases,
    addedLatency,
    peakBytes: peakMemory(engines),
    skipped,
  };
  say(`\n${formatReport(report)}`);
  if (flags.includes('--write')) write(report);
  return report.cases.some((one) => one.results.some((result) => result.requests === 0)) ? 1 : 0;
}

function write(report: BenchReport): void {
  const docs = join(repositoryRoot, 'docs');
  mkdirSync(docs, { recursive: true });
  writeFileSync(join(docs, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(docs, 'bench.svg'), drawChart(report.cases));
  say('written: docs/bench.json, docs/bench.svg');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function cleanUp(): Promise<void> {
  await product?.stop();
  await endAllOwned();
  rmSync(folder, { recursive: true, force: true });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
}

try {
  process.exitCode = await run();
} finally {
  await cleanUp();
}
