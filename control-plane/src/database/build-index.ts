import type { QueryRunner } from 'typeorm';
import { boundStatements } from './bounded-client.ts';

/** How long a build may take, and how long it may wait for transactions that see older rows: nobody waits behind it meanwhile. */
const buildMs = 12 * 3_600_000;
const waitMs = 300_000;

/** An index of a table that lies in partitions. */
export interface PartitionedIndex {
  readonly table: string;
  /** The table's name, and what the indexes of the partitions have after theirs. */
  readonly name: string;
  /** Columns, and a condition: what follows `ON table`. */
  readonly on: string;
}

/**
 * Makes an index without keeping writers out: one for each partition, CONCURRENTLY, and then that of the table, which takes
 * over those that are like it (PostgreSQL's manual, 5.12.2.2). Not within a transaction. An index that is there stays as it is, and what an
 * ended build left, which is not valid, is built anew.
 */
export async function buildIndex(runner: QueryRunner, { table, name, on }: PartitionedIndex): Promise<void> {
  const [whole] = (await runner.query('SELECT to_regclass($1) IS NOT NULL AS is', [name])) as { is: boolean }[];
  if (whole?.is === true) return;
  const suffix = name.slice(table.length);
  await unhurried(runner, async () => {
    for (const { partition, hasPart } of await unbuilt(runner, table, suffix)) {
      if (hasPart) await runner.query(`DROP INDEX CONCURRENTLY ${partition}${suffix}`);
      await runner.query(`CREATE INDEX CONCURRENTLY ${partition}${suffix} ON ${partition} ${on}`);
    }
  });
  await runner.query(`CREATE INDEX ${name} ON ${table} ${on}`);
}

interface Unbuilt {
  readonly partition: string;
  /** Whether there is an index that is not valid. */
  readonly hasPart: boolean;
}

function unbuilt(runner: QueryRunner, table: string, suffix: string): Promise<Unbuilt[]> {
  return runner.query(
    `SELECT c.relname AS partition, i.indexrelid IS NOT NULL AS "hasPart"
     FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
       LEFT JOIN pg_class x ON x.relname = c.relname || $2 AND x.relnamespace = c.relnamespace
       LEFT JOIN pg_index i ON i.indexrelid = x.oid
     WHERE h.inhparent = to_regclass($1) AND i.indisvalid IS NOT TRUE ORDER BY c.relname`,
    [table, suffix],
  ) as Promise<Unbuilt[]>;
}

/** `migrate` sets its own times anew when `work` fails. */
async function unhurried(runner: QueryRunner, work: () => Promise<void>): Promise<void> {
  const connection: unknown = await runner.connect();
  const usual = (await runner.query(
    "SELECT name, setting::int AS ms FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout')",
  )) as { name: string; ms: number }[];
  await runner.query(`SET lock_timeout = ${waitMs}`);
  await runner.query(`SET statement_timeout = ${buildMs}`);
  boundStatements(connection, buildMs);
  await work();
  for (const { name, ms } of usual) await runner.query(`SET ${name} = ${ms}`);
  boundStatements(connection, usual.find(({ name }) => name === 'statement_timeout')?.ms);
}
