import type { Finding } from './check-records.ts';
import type { LoadRun } from './run-load.ts';

const examplesShown = 5;

/** A short table of counts, with examples of what does not hold. */
export function describeRun({ verdict, faults, seconds }: LoadRun): string {
  const done = new Map<string, number>();
  for (const { kind, how } of faults.done) done.set(`${kind} ${how}`, (done.get(`${kind} ${how}`) ?? 0) + 1);
  const rows = Object.entries(verdict).map(([name, value]): [string, string] => [
    name,
    typeof value === 'number' ? String(value) : describeFinding(value as Finding),
  ]);
  return [
    ...[...done].map(([what, times]): [string, string] => [what, String(times)]),
    ...rows,
    ['seconds', seconds.toFixed(1)],
  ]
    .map(([name, value]) => `  ${(name ?? '').padEnd(24)} ${value}`)
    .join('\n');
}

function describeFinding({ count, examples }: Finding): string {
  return [String(count), ...examples.slice(0, examplesShown).map((example) => `      ${example}`)].join('\n');
}
