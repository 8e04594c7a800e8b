import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, rewrap, termOf } from '@onecli/shared/vault/seal';
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
  /** How many rows do not open. They stay as they are, and so does their term. */
  readonly unopenable: number;
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
    for (const row of rows) {
      const sealed = moveRow(keyring, column, row);
      if (sealed !== undefined) moved.push({ ...row, sealed });
    }
    await storeRows(manager, column, moved);
    return { moved: moved.length, unopenable: rows.length - moved.length, next: placeAfter(rows) };
  });
}

/** A value that does not open where it stands. */
export interface Unopenable {
  readonly column: SealedColumn;
  readonly id: string;
  readonly version: number;
}

/** Some values of a column that are not under a term, of which some do not open. */
export interface Tried {
  readonly count: number;
  readonly unopenable: readonly Unopenable[];
  /** Undefined when the column has no more of them. */
  readonly next: BatchPlace | undefined;
}

/** Tries to open some values of a column that are not under a term. It locks nothing. Of one whose term is stored and not in the keyring it is not known. */
export async function tryBatch(
  manager: EntityManager,
  keyring: Keyring,
  column: SealedColumn,
  { stored, ...wanted }: Wanted & { readonly stored: ReadonlySet<number> },
): Promise<Tried> {
  const rows: SealedRow[] = await manager.query(...rowsNotUnder(column, wanted));
  const damaged = rows.filter((row) => isDamaged(keyring, column, row, stored));
  const unopenable = damaged.map(({ id, version }) => ({ column, id, version }));
  return { count: rows.length, unopenable, next: placeAfter(rows) };
}

function placeAfter(rows: readonly SealedRow[]): BatchPlace | undefined {
  const last = rows.at(-1);
  return last && { id: last.id, version: last.version };
}

function isDamaged(
  keyring: Keyring,
  { contextOf }: SealedColumn,
  row: SealedRow,
  stored: ReadonlySet<number>,
): boolean {
  try {
    open(keyring, contextOf(row), row.sealed).fill(0);
    return false;
  } catch (error) {
    if (!(error instanceof VaultFault)) throw error;
    return error.code !== 'MISSING_TERM' || !stored.has(termOf(row.sealed));
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
