import type { DataSource } from 'typeorm';
import { quoted } from '../backup/backup-tables.ts';

const roundTrips = 5;
/** Rows are counted up to this many; beyond it PostgreSQL's own estimate will do. */
const maxCounted = 100_000;

/** A table: its rows, counted or estimated, and its bytes with indexes. */
interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly isEstimate: boolean;
  readonly bytes: number;
}

/** How far the database is, and what it is busy with. No statement and no parameter of anybody is in it. */
export async function measureDatabase(database: DataSource): Promise<object> {
  const roundTripMs: number[] = [];
  for (let trip = 0; trip < roundTrips; trip++) {
    const startMs = performance.now();
    await database.query('SELECT 1');
    roundTripMs.push(Math.round((performance.now() - startMs) * 100) / 100);
  }
  const [server] = await database.query<object[]>(
    `SELECT current_setting('server_version') AS version, pg_database_size(current_database())::float8 AS bytes,
       current_setting('max_connections')::int AS "maxConnections", pg_is_in_recovery() AS "isInRecovery",
       extract(epoch FROM now() - pg_postmaster_start_time())::int AS "upSeconds"`,
  );
  const sessions = await database.query<object[]>(
    `SELECT coalesce(state, 'none') AS state, coalesce(wait_event_type, 'none') AS "waitsFor", count(*)::int AS count,
       coalesce(max(extract(epoch FROM now() - xact_start)), 0)::int AS "longestTransactionSeconds"
     FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return { roundTripMs, ...server, sessions };
}

/** The size of every table, of the queue's too. */
export async function measureTables(database: DataSource): Promise<TableSize[]> {
  const tables = await database.query<{ schema: string; name: string; estimate: number; bytes: number }[]>(
    `SELECT n.nspname AS schema, c.relname AS name, c.reltuples::float8 AS estimate, pg_total_relation_size(c.oid)::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'onecli_queue') AND c.relkind IN ('r', 'p') ORDER BY 1, 2`,
  );
  const sizes: TableSize[] = [];
  for (const { schema, name, estimate, bytes } of tables) {
    const [row] = await database.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM (SELECT 1 FROM ${quoted(schema)}.${quoted(name)} LIMIT ${maxCounted + 1}) counted`,
    );
    const counted = row?.count ?? 0;
    const isEstimate = counted > maxCounted;
    const rows = isEstimate ? Math.max(counted, Math.round(estimate)) : counted;
    sizes.push({ table: schema === 'public' ? name : `${schema}.${name}`, rows, isEstimate, bytes });
  }
  return sizes;
}
