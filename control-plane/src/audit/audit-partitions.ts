import type { DataSource, EntityManager } from 'typeorm';

export const dayMs = 86_400_000;
const daysAhead = 3;
const checkEveryMs = 60 * 60 * 1000;
/** Two control planes must not make the same partition at once. */
const partitionLock = 6_627_254_003;

/** The tables that lie in partitions by UTC day, and the column that says in which. */
export const partitioned = { audit_event: 'time', audit_block: 'taken_at' } as const;
export type PartitionedTable = keyof typeof partitioned;

interface PartitionLog {
  error(fields: object, message: string): void;
}

/** Keeps a partition of each table ready for each UTC day from yesterday on, three days ahead. */
export class AuditPartitions {
  readonly #database: DataSource;
  readonly #log: PartitionLog;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: DataSource, log: PartitionLog) {
    this.#database = database;
    this.#log = log;
  }

  /** Makes what is missing now, and looks again every hour until `stop`. */
  async start(): Promise<void> {
    await this.ensure(Date.now());
    this.#timer = setInterval(() => void this.#look(), checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Makes the partitions around a moment (milliseconds since the epoch) that are missing. */
  async ensure(nowMs: number): Promise<void> {
    const today = Math.floor(nowMs / dayMs) * dayMs;
    for (const table of Object.keys(partitioned) as PartitionedTable[])
      for (let day = -1; day <= daysAhead; day++) {
        await this.#database.transaction(async (manager) => {
          await lockPartitions(manager);
          await ensureDay(manager, table, today + day * dayMs);
        });
      }
  }

  async #look(): Promise<void> {
    await this.ensure(Date.now()).catch((error: unknown) =>
      this.#log.error({ err: error }, 'audit partitions could not be made ahead'),
    );
  }
}

export async function lockPartitions(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [partitionLock]);
}

/** Drops the partitions of days that are over at a moment, and what lies before it in the default one. Under the lock. */
export async function dropDaysBefore(manager: EntityManager, table: PartitionedTable, beforeMs: number): Promise<void> {
  const rows = await manager.query<{ name: string }[]>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = $1::regclass AND c.relname ~ $2`,
    [table, `^${table}_[0-9]{8}$`],
  );
  const before = nameOf(table, beforeMs);
  for (const { name } of rows) if (name < before) await manager.query(`DROP TABLE ${name}`);
  await manager.query(`DELETE FROM ${table}_default WHERE ${partitioned[table]} < $1`, [new Date(beforeMs)]);
}

function nameOf(table: PartitionedTable, fromMs: number): string {
  return `${table}_${new Date(fromMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** What came before its partition lies in the default one, and moves: Postgres refuses to attach otherwise. */
async function ensureDay(manager: EntityManager, parent: PartitionedTable, fromMs: number): Promise<void> {
  const from = new Date(fromMs).toISOString();
  const to = new Date(fromMs + dayMs).toISOString();
  const table = nameOf(parent, fromMs);
  const time = partitioned[parent];
  const existing: unknown[] = await manager.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [table]);
  if (existing.length > 0) return;
  await manager.query(
    `CREATE TABLE ${table} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)`,
  );
  await manager.query(
    `WITH moved AS (DELETE FROM ${parent}_default WHERE ${time} >= '${from}' AND ${time} < '${to}' RETURNING *)
     INSERT INTO ${table} SELECT * FROM moved`,
  );
  await manager.query(`ALTER TABLE ${parent} ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`);
}
