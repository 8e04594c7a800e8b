/** What a restore must not forget of the database that it replaces: read before, and brought into what was restored. */
import type { MasterKey } from '@onecli/shared/vault/master-key';
import { Keyring } from '@onecli/shared/vault/keyring';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { EntityManager } from 'typeorm';
import { readInstance } from '../instance/instance.service.ts';
import { highestTerm } from '../keys/key-store.ts';
import { type DestroyedValue, readDestroyed } from './destroyed-list.ts';

interface KeyTermRow {
  readonly term: number;
  readonly wrapped_key: Buffer;
  readonly created_at: Date;
  readonly retired_at: Date | null;
}

/** An account or an API key, without what is only noted of its use. */
interface AccessRow {
  readonly id: string;
  readonly row: unknown;
}

export interface ReplacedDatabase {
  readonly instanceId: string | undefined;
  readonly revision: number;
  readonly epoch: number;
  readonly keyGeneration: number;
  readonly destroyed: readonly DestroyedValue[];
  /** The highest number of each secret's versions. */
  readonly highestVersions: readonly DestroyedValue[];
  readonly terms: readonly KeyTermRow[];
  readonly highestTerm: number;
  /** Whom it let in. */
  readonly access: readonly AccessRow[];
}

/** Who comes back by a restore, by name: the replaced database did not have them, or not so. */
export interface Returning {
  readonly users: readonly string[];
  readonly apiKeys: readonly string[];
}

/** What decides whom an account or an API key lets in, for what. */
const accessRow = "to_jsonb(t) - '{signed_in_at,updated_at,used_at,revision,mac,is_held}'::text[]";

/** Reads it, before anything is replaced. */
export async function readReplaced(manager: EntityManager): Promise<ReplacedDatabase> {
  const [state] = await manager.query<{ revision: string; epoch: string; key_generation: string }[]>(
    'SELECT revision, epoch, key_generation FROM config_state',
  );
  return {
    instanceId: (await readInstance(manager))?.id,
    revision: Number(state?.revision ?? 0),
    epoch: Number(state?.epoch ?? 0),
    keyGeneration: Number(state?.key_generation ?? 0),
    destroyed: await readDestroyed(manager),
    highestVersions: await manager.query(
      `SELECT secret_id AS "secretId", max(version) AS version FROM (
         SELECT secret_id, version FROM secret_version UNION ALL SELECT secret_id, version FROM destroyed_version
         UNION ALL SELECT secret_id, version FROM highest_version) AS v GROUP BY secret_id`,
    ),
    terms: await manager.query('SELECT term, wrapped_key, created_at, retired_at FROM key_term ORDER BY term'),
    highestTerm: await highestTerm(manager),
    access: await manager.query(
      `SELECT id, ${accessRow} AS row FROM user_account t WHERE NOT is_held
       UNION ALL SELECT id, ${accessRow} FROM api_key t WHERE NOT is_held`,
    ),
  };
}

/** No number of a version or of a key term is given out again: it would mean another value than the one that it meant. */
export async function keepNumbers(
  manager: EntityManager,
  { highestVersions, highestTerm: term }: ReplacedDatabase,
): Promise<void> {
  await manager.query(
    `INSERT INTO highest_version AS h (secret_id, version) SELECT * FROM unnest($1::uuid[], $2::integer[])
     ON CONFLICT (secret_id) DO UPDATE SET version = greatest(h.version, excluded.version)`,
    [highestVersions.map(({ secretId }) => secretId), highestVersions.map(({ version }) => version)],
  );
  await manager.query('UPDATE config_state SET highest_term = greatest(highest_term, $1::bigint)', [term]);
}

/**
 * Keeps the key terms that the backup lacks, for the audit events that stay and are sealed under them. They seal nothing.
 * @returns those that do not open under the master key of the backup, or are another instance's: they are lost
 */
export async function keepTerms(
  manager: EntityManager,
  { terms, instanceId: replaced }: ReplacedDatabase,
  { master, instanceId }: { readonly master: MasterKey; readonly instanceId: string },
): Promise<number[]> {
  const lost: number[] = [];
  const stored = await manager.query<{ term: number }[]>('SELECT term FROM key_term');
  const has = new Set(stored.map(({ term }) => term));
  // A term of another instance is another key, whatever its number.
  if (replaced !== instanceId) return terms.map(({ term }) => term);
  for (const row of terms.filter(({ term }) => !has.has(term))) {
    if (!opensUnder(master, instanceId, row)) {
      lost.push(row.term);
      continue;
    }
    await manager.query(
      `INSERT INTO key_term (term, wrapped_key, created_at, activated_at, retired_at)
       VALUES ($1, $2, $3, NULL, coalesce($4, now()))`,
      [row.term, row.wrapped_key, row.created_at, row.retired_at],
    );
  }
  return lost;
}

function opensUnder(master: MasterKey, instanceId: string, { term, wrapped_key: wrappedKey }: KeyTermRow): boolean {
  try {
    Keyring.open(master, instanceId, [{ term, wrappedKey, isActive: true }]);
    return true;
  } catch (error) {
    if (error instanceof VaultFault) return false;
    throw error;
  }
}

/**
 * Tells who comes back, and holds them until the restore is confirmed: who was removed, disabled or given another password since
 * the backup is not let in by it.
 */
export async function holdReturning(
  manager: EntityManager,
  { access }: ReplacedDatabase,
  isConfirmed: boolean,
): Promise<Returning> {
  return {
    users: await holdIn(manager, 'user_account', access, isConfirmed),
    apiKeys: await holdIn(manager, 'api_key', access, isConfirmed),
  };
}

async function holdIn(
  manager: EntityManager,
  table: 'user_account' | 'api_key',
  access: readonly AccessRow[],
  isConfirmed: boolean,
): Promise<string[]> {
  const [returning] = await manager.query<{ names: string[] }[]>(
    `WITH held AS (
       UPDATE ${table} t SET is_held = NOT $2::boolean
       WHERE t.is_held OR NOT EXISTS (
         SELECT FROM jsonb_to_recordset($1::jsonb) AS known (id uuid, "row" jsonb)
         WHERE known.id = t.id AND known.row = ${accessRow})
       RETURNING t.name)
     SELECT coalesce(array_agg(name::text ORDER BY name), '{}') AS names FROM held`,
    [JSON.stringify(access), isConfirmed],
  );
  return returning?.names ?? [];
}

/** Lets in who was held: the restore is confirmed. */
export async function letReturningIn(manager: EntityManager): Promise<void> {
  for (const table of ['user_account', 'api_key'])
    await manager.query(`UPDATE ${table} SET is_held = false WHERE is_held`);
}
