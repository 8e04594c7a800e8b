import type { DataSource, EntityManager } from 'typeorm';
import { aliveWithinSeconds } from '../workers/alive-within.ts';
import { countTerms } from './rewrap-batch.ts';
import { sealedColumns } from './sealed-columns.ts';

/**
 * Where a term is in its life. ANNOUNCED: processes learn it. SEALING: new values are sealed with it. OPENING: values are being
 * moved away from it. AUDIT_ONLY: nothing but the detail of old audit events needs it.
 */
export type TermState = 'ANNOUNCED' | 'SEALING' | 'OPENING' | 'AUDIT_ONLY';

export interface TermView {
  readonly term: number;
  readonly state: TermState;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
}

/** A live process that opens sealed values. */
export interface KeyHolder {
  readonly kind: 'worker' | 'control-plane';
  readonly name: string;
  /** Null: of a release that does not tell. */
  readonly terms: readonly number[] | null;
  readonly isMasterKeyCurrent: boolean | null;
}

/** How many values of a table are sealed under a term. */
export interface SealedCount {
  readonly table: string;
  readonly term: number;
  readonly count: number;
}

/** Every term, the oldest first. */
export async function readTerms(manager: EntityManager): Promise<TermView[]> {
  const rows = await manager.query<Omit<TermView, 'state'>[]>(
    `SELECT term, created_at AS "createdAt", activated_at AS "activatedAt", retired_at AS "retiredAt"
     FROM key_term ORDER BY term`,
  );
  const sealing = Math.max(0, ...rows.filter((row) => row.activatedAt !== null).map(({ term }) => term));
  return rows.map((row) => ({ ...row, state: stateOf(row, sealing) }));
}

function stateOf({ term, activatedAt, retiredAt }: Omit<TermView, 'state'>, sealing: number): TermState {
  if (retiredAt !== null) return 'AUDIT_ONLY';
  if (activatedAt === null) return 'ANNOUNCED';
  return term === sealing ? 'SEALING' : 'OPENING';
}

/** The processes that reported themselves within the last ten seconds, by the database's clock. */
export async function readHolders(manager: EntityManager): Promise<KeyHolder[]> {
  return manager.query<KeyHolder[]>(
    `SELECT 'worker' AS kind, name, terms, is_master_key_current AS "isMasterKeyCurrent" FROM worker
     WHERE seen_at > now() - make_interval(secs => $1)
     UNION ALL
     SELECT 'control-plane', name, terms, is_master_key_current FROM control_plane
     WHERE seen_at > now() - make_interval(secs => $1) ORDER BY kind, name`,
    [aliveWithinSeconds],
  );
}

/** The live processes that cannot open a term. */
export async function holdersWithout(manager: EntityManager, term: number): Promise<KeyHolder[]> {
  return (await readHolders(manager)).filter(({ terms }) => terms?.includes(term) !== true);
}

/** Reports what this control plane has, and drops those that have been silent for an hour. */
export async function reportHolder(database: DataSource, name: string, holder: Omit<KeyHolder, 'kind' | 'name'>) {
  await database.query(
    `INSERT INTO control_plane (name, terms, is_master_key_current, guards_rows, seen_at) VALUES ($1, $2, $3, true, now())
     ON CONFLICT (name) DO UPDATE SET terms = excluded.terms, guards_rows = true,
       is_master_key_current = excluded.is_master_key_current, seen_at = excluded.seen_at`,
    [name, holder.terms, holder.isMasterKeyCurrent],
  );
  await database.query(`DELETE FROM control_plane WHERE seen_at < now() - interval '1 hour'`);
}

/** How many values are sealed under which term. It reads every sealed value's head. */
export async function countSealed(manager: EntityManager): Promise<SealedCount[]> {
  const counts: SealedCount[] = [];
  for (const column of sealedColumns) {
    const byTerm = await countTerms(manager, column);
    for (const [term, count] of byTerm) counts.push({ table: column.table, term, count });
  }
  return counts;
}

/** The highest number that a term ever had: terms that went, or that a restore undid, keep theirs. */
export async function highestTerm(manager: EntityManager): Promise<number> {
  const [row] = await manager.query<{ term: string }[]>(
    'SELECT greatest(highest_term, (SELECT coalesce(max(term), 0) FROM key_term)) AS term FROM config_state',
  );
  return Number(row?.term ?? 0);
}

/** Says to every process that the terms changed. Within the transaction that changes them. */
export async function keysChanged(manager: EntityManager): Promise<void> {
  await manager.query('UPDATE config_state SET key_generation = key_generation + 1');
}
