/**
 * `node --conditions=source --import tsx test/hostile/measure-upgrade.ts [secrets] [events]`: brings a database of the first release with so
 * many rows up to date while processes of that release write to it, and prints how long each step took, and the longest that one audit event
 * and one change of the configuration took in it. Ends with 1 when one of them failed.
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { createDataSource } from '../../control-plane/src/database/data-source.ts';
import { migrate } from '../../control-plane/src/database/migrate.ts';
import { grow } from '../../infra/embedded/src/testing/first-release/grow.ts';
import { OldRelease } from '../../infra/embedded/src/testing/first-release/old-worker.ts';
import { throwawayPostgres } from '../../infra/embedded/src/testing/throwaway-postgres.ts';

const [secrets = 100_000, events = 1_000_000] = process.argv.slice(2).map(Number);
const dump = new URL('../../infra/embedded/src/testing/first-release/database.sql', import.meta.url);
/** A whole reading of so many secrets would hold up this process by itself. */
const kinds = ['events', 'changes'] as const;
const shownMs = 50;

type Pauses = Record<(typeof kinds)[number], number>;
interface Step {
  readonly name: string;
  ms: number;
  readonly pauses: Pauses;
}

const none = (name: string): Step => ({ name, ms: 0, pauses: { events: 0, changes: 0 } });

/** Looks at the loops until `ending` aborts, and tells the step under way how long each has been at what it does. */
async function watch(old: OldRelease, now: () => Step, ending: AbortSignal): Promise<void> {
  const last = Object.fromEntries(kinds.map((kind) => [kind, { count: old.rounds[kind], atMs: performance.now() }]));
  while (!ending.aborted) {
    await setTimeout(1);
    for (const kind of kinds) {
      const seen = last[kind];
      if (seen === undefined) continue;
      const { pauses } = now();
      pauses[kind] = Math.max(pauses[kind], performance.now() - seen.atMs);
      if (old.rounds[kind] !== seen.count) last[kind] = { count: old.rounds[kind], atMs: performance.now() };
    }
  }
}

async function upgrade(url: string, old: OldRelease): Promise<Step[]> {
  const database = createDataSource({ connectionString: url, connectionLost: () => undefined });
  await database.initialize();
  let step = none('before');
  const steps = [step];
  for (const migration of database.migrations) {
    const up = migration.up.bind(migration);
    migration.up = async (runner) => {
      step = none(migration.name ?? '');
      steps.push(step);
      const startedMs = performance.now();
      await up(runner);
      step.ms = performance.now() - startedMs;
    };
  }
  const ending = new AbortController();
  const watching = watch(old, () => step, ending.signal);
  await setTimeout(2_000);
  await migrate(database, { log: { info: () => undefined, warn: (line) => console.log(line) } });
  step = none('after');
  steps.push(step);
  await setTimeout(2_000);
  ending.abort();
  await watching;
  await database.destroy();
  return steps;
}

const postgres = await throwawayPostgres();
const client = new pg.Client({ connectionString: postgres.url });
await client.connect();
let old: OldRelease | undefined;
try {
  await client.query(readFileSync(dump, 'utf8'));
  await grow(client, { secrets, events });
  old = new OldRelease(postgres.url, kinds);
  for (const { name, ms, pauses } of await upgrade(postgres.url, old)) {
    const longest = kinds.map((kind) => `${kind} ${Math.round(pauses[kind])} ms`).join(', ');
    if (ms > shownMs || ms === 0)
      console.log(`${name.padEnd(40)} ${ms.toFixed(0).padStart(6)} ms; longest pauses: ${longest}`);
  }
  for (const error of old.errors) console.log('failed:', error);
  process.exitCode = old.errors.length === 0 ? 0 : 1;
} finally {
  await old?.stop();
  await client.end();
  await postgres.stop();
}
