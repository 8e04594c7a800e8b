import type { DataSource, EntityManager } from 'typeorm';

const dayMs = 86_400_000;
const daysAhead = 3;
const checkEveryMs = 60 * 60 * 1000;
/** Two control planes must not make the same partition at once. */
const partitionLock = 6_627_254_003;

interface PartitionLog {
  error(fields: object, message: string): void;
}

/** Keeps a partition of the audit table ready for each UTC day from yesterday on, three days ahead. */
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
    this.#timer = setInterval(() => {
      this.ensure(Date.now()).catch((error: unknown) =>
        this.#log.error({ err: error }, 'audit partitions could not be made ahead'),
      );
    }, checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Makes the partitions around a moment (milliseconds since the epoch) that are missing. */
  async ensure(nowMs: number): Promise<void> {
    const today = Math.floor(nowMs / dayMs) * dayMs;
    for (let day = -1; day <= daysAhead; day++) {
      await this.#database.transaction(async (manager) => {
        await manager.query('SELECT pg_advisory_xact_lock($1)', [partitionLock]);
        await ensureDay(manager, today + day * dayMs);
      });
    }
  }
}

/** Events that came before their partition lie in the default one, and move: Postgres refuses to attach otherwise. */
async function ensureDay(manager: EntityManager, fromMs: number): Promise<void> {
  const from = new Date(fromMs).toISOString();
  const to = new Date(fromMs + dayMs).toISOString();
  const table = `audit_event_${from.slice(0, 10).replaceAll('-', '')}`;
  const existing: unknown[] = await manager.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [table]);
  if (existing.length > 0) return;
  await manager.query(`CREATE TABLE ${table} (LIKE audit_event INCLUDING DEFAULTS)`);
  await manager.query(
    `WITH moved AS (DELETE FROM audit_event_default WHERE time >= '${from}' AND time < '${to}' RETURNING *)
     INSERT INTO ${table} SELECT * FROM moved`,
  );
  await manager.query(`ALTER TABLE audit_event ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`);
}
