import type { AuditConsumer } from '@onecli/shared/ports/audit-queue';
import type { DataSource } from 'typeorm';
import { aliveWithinSeconds } from '../workers/alive-within.ts';
import { isKnown } from '../workers/known-workers.ts';
import type { Gauges } from './metrics.ts';
import type { WorkerLoad } from './worker-load-gauges.ts';

/** Jobs are counted up to this many: a queue that is fuller than that is as bad as it gets, and counting must stay cheap. */
const countedJobs = 100_000;

/** What is asked of the database, and of a queue that lies elsewhere, for the metrics. What cannot be asked is undefined. */
export async function lookUpGauges(database: DataSource, queueElsewhere: AuditConsumer['elsewhere']): Promise<Gauges> {
  return {
    pool: poolOf(database),
    queue: await orUndefined(() => queueElsewhere?.count() ?? countQueue(database)),
    workers: await orUndefined(() => countWorkers(database)),
  };
}

/** TypeORM keeps the pool of `pg` in its driver. */
function poolOf(database: DataSource): Gauges['pool'] {
  const { master } = database.driver as { master?: { totalCount: number; idleCount: number; waitingCount: number } };
  if (master === undefined) return undefined;
  return { used: master.totalCount - master.idleCount, idle: master.idleCount, waiting: master.waitingCount };
}

async function countQueue(database: DataSource): Promise<Gauges['queue']> {
  const rows = await database.query<{ state: string; count: number }[]>(
    `SELECT state, count(*)::int AS count
     FROM (SELECT state::text FROM onecli_queue.job WHERE queue = 'audit' LIMIT ${countedJobs}) job GROUP BY state`,
  );
  const counts = new Map(rows.map(({ state, count }) => [state, count]));
  const active = counts.get('active') ?? 0;
  const failed = counts.get('failed') ?? 0;
  const waiting = [...counts.values()].reduce((sum, count) => sum + count, 0) - active - failed;
  return { waiting, active, failed };
}

/** By column of `worker`. */
const loadColumns: Readonly<Record<keyof WorkerLoad, string>> = {
  connections: 'connections',
  requestsPerSecond: 'requests_per_second',
  cpuShare: 'cpu_share',
  memoryBytes: 'memory_bytes',
  spoolBytes: 'spool_bytes',
};

async function countWorkers(database: DataSource): Promise<Gauges['workers']> {
  const columns = Object.values(loadColumns);
  const figures = Object.entries(loadColumns).map(
    ([figure, column]) =>
      `'${figure}', json_build_object('all', coalesce(sum(${column}) FILTER (WHERE is_live), 0),
                                     'busiest', coalesce(max(${column}) FILTER (WHERE is_live), 0))`,
  );
  const [row] = await database.query<{ live: number; gone: number; lowest: string | null; load: WorkerLoad }[]>(
    `SELECT count(*) FILTER (WHERE is_live)::int AS live, count(*) FILTER (WHERE NOT is_live)::int AS gone,
            min(applied_revision) FILTER (WHERE is_live) AS lowest, json_build_object(${figures.join(', ')}) AS load
     FROM (SELECT applied_revision, ${columns.join(', ')},
                  seen_at > now() - make_interval(secs => ${aliveWithinSeconds}) AS is_live FROM worker w WHERE ${isKnown}) worker`,
  );
  if (row === undefined) return undefined;
  const { live, gone, lowest, load } = row;
  return { live, gone, lowestRevision: lowest === null ? undefined : Number(lowest), load };
}

async function orUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    // That it cannot be asked shows in /health; here it is left out.
    return undefined;
  }
}
