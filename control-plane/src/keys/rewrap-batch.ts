import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, rewrap } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource, EntityManager } from 'typeorm';
import type { SealedColumn, SealedRow } from './sealed-columns.ts';

/** After which row the next batch begins. */
export interface BatchPlace {
  readonly id: string;
  readonly version: number;
}

export interface Batch {
  readonly moved: number;
  /** Rows that do not open, as `table row version`. They stay as they are, and so does their term. */
  readonly unopenable: readonly string[];
  /** Undefined when the column has no more rows to move. */
  readonly next: BatchPlace | undefined;
}

/** Before every row. */
export const firstPlace: BatchPlace = { id: '00000000-0000-0000-0000-000000000000', version: 0 };

/**
 * Moves some rows of a column to the current term, in one short transaction. Rows that another transaction has locked are
 * left for the next pass, so that no change of configuration ever waits behind this one's wait. Killed at any moment, it has
 * moved all rows of the batch or none.
 */
export function rewrapBatch(
  database: DataSource,
  keyring: Keyring,
  column: SealedColumn,
  after: BatchPlace,
  limit: number,
): Promise<Batch> {
  return database.transaction('READ COMMITTED', async (manager) => {
    const rows = await lockRows(manager, column, { term: keyring.currentTerm, after, limit });
    const moved: SealedRow[] = [];
    const unopenable: string[] = [];
    for (const row of rows) {
      const sealed = moveRow(keyring, column, row);
      if (sealed === undefined) unopenable.push(`${column.table} ${row.id} ${row.version}`);
      else moved.push({ ...row, sealed });
    }
    await storeRows(manager, column, moved);
    const last = rows.at(-1);
    return { moved: moved.length, unopenable, next: last && { id: last.id, version: last.version } };
  });
}

/** A value that does not open where it stands. */
export interface Unopenable {
  readonly column: SealedColumn;
  readonly id: string;
  readonly version: number;
}

/** The values of a column that are not under a term and do not open. It tries so many at most, and locks nothing. */
export async function findUnopenable(
  manager: EntityManager,
  keyring: Keyring,
  column: SealedColumn,
  { term, limit }: Pick<Wanted, 'term' | 'limit'>,
): Promise<Unopenable[]> {
  const rows: SealedRow[] = await manager.query(...rowsNotUnder(column, { term, after: firstPlace, limit }));
  return rows.filter((row) => !opens(keyring, column, row)).map(({ id, version }) => ({ column, id, version }));
}

function opens(keyring: Keyring, { contextOf }: SealedColumn, row: SealedRow): boolean {
  try {
    open(keyring, contextOf(row), row.sealed).fill(0);
    return true;
  } catch (error) {
    if (error instanceof VaultFault) return false;
    throw error;
  }
}

/** How many rows of a column name each term. */
export async function countTerms(
  manager: EntityManager,
  { table, column }: SealedColumn,
): Promise<Map<number, number>> {
  const rows: { term: string; count: string }[] = await manager.query(
    `SELECT ('x' || encode(substring(${column} FROM 2 FOR 4), 'hex'))::bit(32)::bigint AS term, count(*) AS count
     FROM ${table} WHERE ${column} IS NOT NULL GROUP BY 1`,
  );
  return new Map(rows.map(({ term, count }) => [Number(term), Number(count)]));
}

interface Wanted {
  readonly term: number;
  readonly after: BatchPlace;
  readonly limit: number;
}

function lockRows(manager: EntityManager, column: SealedColumn, wanted: Wanted): Promise<SealedRow[]> {
  const [text, parameters] = rowsNotUnder(column, wanted);
  const { join } = column;
  const lock = `FOR NO KEY UPDATE OF t${join === undefined ? '' : `, ${join.alias}`} SKIP LOCKED`;
  return manager.query(`${text} ${lock}`, parameters);
}

function rowsNotUnder(wanted: SealedColumn, { term, after, limit }: Wanted): [text: string, parameters: unknown[]] {
  const { table, column, id, join } = wanted;
  const version = versionOf(wanted);
  const termBytes = Buffer.allocUnsafe(4);
  termBytes.writeUInt32BE(term);
  return [
    `SELECT t.${id} AS id, ${version} AS version, t.${column} AS sealed, ${join?.binding ?? 'NULL::jsonb'} AS binding
     FROM ${table} t ${join?.sql ?? ''}
     WHERE (t.${id}, ${version}) > ($1::uuid, $2::integer) AND substring(t.${column} FROM 2 FOR 4) <> $3
     ORDER BY t.${id}, ${version} LIMIT $4`,
    [after.id, after.version, termBytes, limit],
  ];
}

async function storeRows(manager: EntityManager, stored: SealedColumn, rows: readonly SealedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { table, column, id } = stored;
  await manager.query(
    `UPDATE ${table} t SET ${column} = u.sealed
     FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS u(id, version, sealed)
     WHERE t.${id} = u.id AND ${versionOf(stored)} = u.version`,
    [rows.map((row) => row.id), rows.map((row) => row.version), rows.map((row) => row.sealed)],
  );
}

function versionOf({ version }: SealedColumn): string {
  return version === undefined ? '1' : `t.${version}`;
}

function moveRow(keyring: Keyring, { contextOf }: SealedColumn, row: SealedRow): Buffer | undefined {
  try {
    return rewrap(keyring, contextOf(row), row.sealed);
  } catch (error) {
    if (error instanceof VaultFault) return undefined;
    throw error;
  }
}
