import { cpus } from 'node:os';
import { type AddedLatency, type CaseReport, ratioTo } from './measure.ts';

/** Everything that a run found, as it is written to docs/bench.json. */
export interface BenchReport {
  machine: { processor: string; cores: number; node: string };
  effort: { rounds: number; maxDurationMs: number };
  cases: CaseReport[];
  addedLatency: AddedLatency | undefined;
  peakBytes: Record<string, number>;
  /** Engines that could not be run, and why. */
  skipped: string[];
}

/** The machine as far as it matters for reading the numbers. */
export function describeMachine(): BenchReport['machine'] {
  return { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
}

/** The tables that the benchmark prints. */
export function formatReport(report: BenchReport): string {
  const parts = report.cases.map(formatCase);
  if (report.addedLatency !== undefined) parts.push(formatAddedLatency(report.addedLatency));
  const peaks = Object.entries(report.peakBytes).map(([name, bytes]) => [
    name,
    `${Math.round(bytes / 1024 / 1024)} MB`,
  ]);
  parts.push(table('peak resident memory after all cases', [['engine', 'peak'], ...peaks]));
  parts.push(...report.skipped.map((reason) => `skipped: ${reason}`));
  return parts.join('\n\n');
}

function formatCase(report: CaseReport): string {
  const rows = report.results.map((one) => [
    one.engine,
    one.requestsPerSecond.toFixed(0),
    one.cpuMicrosPerRequest.toFixed(1),
    `${ratioTo(report, one.engine, 'nginx')?.toFixed(2) ?? '-'}×`,
    one.p50Ms.toFixed(2),
    one.p99Ms.toFixed(2),
    String(one.errors),
    Object.entries(one.beside)
      .map(([name, micros]) => `${name} ${micros.toFixed(0)} µs`)
      .join(', '),
  ]);
  const head = ['engine', 'requests/s', 'CPU µs/request', 'to nginx', 'p50 ms', 'p99 ms', 'errors', 'beside'];
  const ratios = ['nginx', 'http-mitm-proxy', 'undici', 'splice']
    .map((base) => ({ base, ratio: ratioTo(report, 'onecli', base) }))
    .filter((one) => one.ratio !== undefined)
    .map((one) => `${one.ratio?.toFixed(2)}× ${one.base}`);
  const verdict = ratios.length === 0 ? '' : `\nonecli: CPU per request ${ratios.join(', ')}`;
  return table(report.name, [head, ...rows]) + verdict;
}

function formatAddedLatency({ requestsPerSecond, results }: AddedLatency): string {
  const rows = results.map((one) => [
    one.engine,
    one.p50Ms.toFixed(3),
    one.addedP50Ms.toFixed(3),
    one.p99Ms.toFixed(3),
    one.addedP99Ms.toFixed(3),
    String(one.errors),
  ]);
  return table(`1 KB at ${requestsPerSecond} requests/s, open loop`, [
    ['engine', 'p50 ms', 'added p50 ms', 'p99 ms', 'added p99 ms', 'errors'],
    ...rows,
  ]);
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${title}\n${rows.map((row) => `  ${line(row)}`).join('\n')}`;
}
