import type { PoolClient } from 'pg';
import type { StoredKeys } from '../../ports/snapshot-source.ts';
import type { WrappedInstanceKey } from '../../vault/instance-keys.ts';

/** The two statements whose results `storedKeysOf` takes. */
export const storedKeysQueries = `
  SELECT s.key_generation AS generation, i.key_check FROM config_state s, instance i;
  SELECT term, wrapped_key, activated_at IS NOT NULL AS is_active FROM key_term WHERE retired_at IS NULL ORDER BY term`;

/** The keys that configuration is sealed under, with their generation. @throws Error while there is no instance */
export function storedKeysOf(
  [row]: readonly { readonly generation: string; readonly key_check: Buffer }[],
  terms: readonly { readonly term: number; readonly wrapped_key: Buffer; readonly is_active: boolean }[],
): StoredKeys {
  if (row === undefined) throw new Error('The database holds no instance yet');
  return {
    generation: Number(row.generation),
    keyCheck: row.key_check,
    terms: terms.map(({ term, wrapped_key: wrappedKey, is_active: isActive }) => ({ term, wrappedKey, isActive })),
  };
}

/** The keys that outlive the master key. */
export async function readInstanceKeys(client: PoolClient): Promise<WrappedInstanceKey[]> {
  const { rows } = await client.query<{ purpose: string; wrapped_key: Buffer }>(
    'SELECT purpose, wrapped_key FROM instance_key',
  );
  return rows.map(({ purpose, wrapped_key: wrappedKey }) => ({ purpose, wrappedKey }));
}
