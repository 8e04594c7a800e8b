// `npm run scale [-- load|measure --data=folder] [--secrets=100000] [--agents=10000] [--policies=1000]`: what many objects cost.
// Without a command it loads into a folder of its own, measures, and removes it. Ends with 1 when a figure is over its bound (bounds.ts).
// `npm run scale -- rotate-keys [--secrets=100000] [--kills=20]`: key terms rotated; ends with 1 when a request failed or a value is left.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseUrlOf } from '../support/database-url.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';
import { Judgement } from './bounds.ts';
import { type Figures, figuresOf } from './figures.ts';
import { type Amounts, load } from './load.ts';
import { appliedObjects, measureApply } from './measure-apply.ts';
import { measureCharts } from './measure-charts.ts';
import { measureKeyRotation } from './measure-key-rotation.ts';
import { measureLists } from './measure-lists.ts';
import { WorkerProcess } from './worker-process.ts';

const changes = 100;
const settleMs = 12_000;
const flags = process.argv.slice(2);
const command = flags.find((flag) => !flag.startsWith('--'));
const flag = (name: string): string | undefined =>
  flags.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);
const amount = (name: string, byDefault: number): number => Number(flag(name) ?? byDefault);
const amounts: Amounts = {
  secrets: amount('secrets', 100_000),
  agents: amount('agents', 10_000),
  policies: amount('policies', 1_000),
  routes: amount('routes', 1_000),
  events: amount('events', 200_000),
};
const only = flag('only')?.split(',') ?? ['lists', 'charts', 'apply', 'worker', 'change', 'memory'];

const judgement = new Judgement(say);
const given = flag('data');
const dataFolder = given ?? mkdtempSync(join(tmpdir(), 'onecli-scale-'));
try {
  if (command === 'rotate-keys') process.exitCode = (await rotateKeys()) ? 0 : 1;
  else await loadAndMeasure();
} finally {
  if (given === undefined) rmSync(dataFolder, { recursive: true, force: true });
}
if (judgement.over.length > 0) {
  say(`over its bound: ${judgement.over.join(', ')}`);
  process.exitCode = 1;
}

function rotateKeys(): Promise<boolean> {
  return measureKeyRotation({ secrets: amounts.secrets, kills: amount('kills', 20) }, say);
}

async function loadAndMeasure(): Promise<void> {
  if (command !== 'measure') await withProduct(loadAll);
  if (command !== 'load') await withProduct(measureAll);
}

async function withProduct(work: (onecli: Onecli) => Promise<void>): Promise<void> {
  const onecli = await startOnecli({ dataFolder });
  try {
    await work(onecli);
  } finally {
    await onecli.stop();
  }
}

async function loadAll(): Promise<void> {
  const startedMs = performance.now();
  await load(dataFolder, amounts);
  say(`loaded ${JSON.stringify(amounts)} in ${Math.round(performance.now() - startedMs)} ms`);
}

/** Says each figure; gives the worst p99. */
async function measured(onecli: Onecli, measure: typeof measureLists): Promise<number> {
  const rows: (Figures & { name: string })[] = [];
  await measure(onecli, (row) => rows.push(row));
  for (const { name, ...figures } of rows) say(`${name.padEnd(52)} ${format(figures)}`);
  return Math.max(...rows.map((row) => row.p99));
}

async function measureAll(onecli: Onecli): Promise<void> {
  if (only.includes('lists')) judgement.judge('page', await measured(onecli, measureLists));
  if (only.includes('charts')) say(`slowest chart: ${(await measured(onecli, measureCharts)).toFixed(1)} ms`);
  if (only.includes('apply')) {
    const { changesAgain, ...measuredTimes } = await measureApply(onecli);
    const times = Object.entries(measuredTimes).map(([what, ms]) => `${what} ${Math.round(ms)} ms`);
    say(`${appliedObjects} objects by plan and apply: ${times.join(', ')}`);
    judgement.judge('apply', measuredTimes.apply);
    judgement.judge('again', changesAgain);
  }
  if (!only.some((part) => ['worker', 'change', 'memory'].includes(part))) return;
  const worker = await WorkerProcess.start(databaseUrlOf(dataFolder), join(dataFolder, 'master.key'));
  try {
    judgement.judge('start', worker.startedInMs);
    if (only.includes('change')) {
      const figures = await measureChanges(onecli, worker);
      say(`a change reaches it, after the API's answer: ${format(figures)}`);
      judgement.judge('change', figures.p99);
    }
    if (only.includes('memory')) {
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      say(`worker: idle ${mebibytes(worker.proportionalBytes)}, peak ${mebibytes(worker.peakBytes)}`);
    }
    judgement.judge('memory', worker.peakBytes / 1024 / 1024);
  } finally {
    await worker.stop();
  }
  say(
    `control plane: ${mebibytes(onecli.residentBytes('control-plane'))}, PostgreSQL: ${mebibytes(onecli.residentBytes('postgres'))}`,
  );
}

/** From the answer to a write until the worker decides by its revision. */
async function measureChanges(onecli: Onecli, worker: WorkerProcess): Promise<Figures> {
  const times: number[] = [];
  await onecli.must('POST', '/api/secrets', {
    name: 'scale/changed',
    value: 'x',
    binding: { hosts: ['api.example.com'] },
  });
  for (let round = 0; round < changes; round++) {
    const { revision } = await onecli.must<{ revision: number }>('PUT', '/api/secrets/scale%2Fchanged', {
      value: `value ${round}`,
    });
    const startedMs = performance.now();
    while ((await worker.revision()) < revision);
    times.push(performance.now() - startedMs);
  }
  await onecli.must('DELETE', '/api/secrets/scale%2Fchanged');
  return figuresOf(times);
}

function format({ p50, p99, max }: Figures): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
