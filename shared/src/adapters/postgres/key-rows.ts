import type { PoolClient } from 'pg';
import type { StoredKeys } from '../../ports/snapshot-source.ts';
import type { WrappedInstanceKey } from '../../vault/instance-keys.ts';

/** The keys that configuration is sealed under, with their generation. */
export async function readStoredKeys(client: PoolClient): Promise<StoredKeys> {
  const { rows } = await client.query<{ generation: string; key_check: Buffer }>(
    'SELECT s.key_generation AS generation, i.key_check FROM config_state s, instance i',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database holds no instance yet');
  const terms = await client.query<{ term: number; wrapped_key: Buffer; is_active: boolean }>(
    `SELECT term, wrapped_key, activated_at IS NOT NULL AS is_active FROM key_term
     WHERE retired_at IS NULL ORDER BY term`,
  );
  return {
    generation: Number(row.generation),
    keyCheck: row.key_check,
    terms: terms.rows.map(({ term, wrapped_key: wrappedKey, is_active: isActive }) => ({ term, wrappedKey, isActive })),
  };
}

/** The keys that outlive the master key. */
export async function readInstanceKeys(client: PoolClient): Promise<WrappedInstanceKey[]> {
  const { rows } = await client.query<{ purpose: string; wrapped_key: Buffer }>(
    'SELECT purpose, wrapped_key FROM instance_key',
  );
  return rows.map(({ purpose, wrapped_key: wrappedKey }) => ({ purpose, wrappedKey }));
}
