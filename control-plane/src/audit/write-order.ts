import type { DataSource } from 'typeorm';

/** SQL of the first transaction that may still commit, in the order of writing. */
export const horizonSql = '(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + (SELECT ahead FROM audit_order))';

/** Any number will do; it tells this lock from others. */
const orderLock = 6_627_254_032;

/**
 * Events are followed by the numbers of the transactions that wrote them, which a server of PostgreSQL counts for itself. In one whose
 * numbers are lower than those that came with the data, from a dump or a backup, what is written would stand before what was: from then on
 * its numbers count from above all those. To be called before anything is written. @returns by how much they were set ahead
 */
export function settleWriteOrder(database: DataSource): Promise<bigint> {
  return database.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock($1)', [orderLock]);
    await manager.query('INSERT INTO audit_order DEFAULT VALUES ON CONFLICT DO NOTHING');
    const [row] = await manager.query<{ behind: string; ahead: string }[]>(
      `SELECT ahead, greatest((SELECT max(written_by) FROM audit_event), (SELECT max(transaction) FROM audit_sink), 0)
         - (pg_current_xact_id()::text::bigint + ahead) AS behind FROM audit_order`,
    );
    const behind = BigInt(row?.behind ?? -1);
    if (row === undefined || behind < 0n) return 0n;
    const ahead = BigInt(row.ahead) + behind + 1n;
    await manager.query('UPDATE audit_order SET ahead = $1', [ahead.toString()]);
    await manager.query(
      `ALTER TABLE audit_event ALTER COLUMN written_by SET DEFAULT pg_current_xact_id()::text::bigint + ${ahead}`,
    );
    return behind + 1n;
  });
}
