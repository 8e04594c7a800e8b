import type { PoolClient } from 'pg';
import type { StoredKeys } from '../../ports/snapshot-source.ts';
import type { WrappedInstanceKey } from '../../vault/instance-keys.ts';

/** Of a term: its number, the wrapped key in hex, and whether it is active. */
export type TermValues = readonly [term: number, wrappedKey: string, isActive: boolean];

/** The keys that configuration is sealed under. @throws Error while there is no instance */
export function storedKeysOf(generation: number, keyCheck: Buffer | null, terms: readonly TermValues[]): StoredKeys {
  if (keyCheck === null) throw new Error('The database holds no instance yet');
  return {
    generation,
    keyCheck,
    terms: terms.map(([term, hex, isActive]) => ({ term, wrappedKey: Buffer.from(hex, 'hex'), isActive })),
  };
}

/** The keys that outlive the master key. */
export async function readInstanceKeys(client: PoolClient): Promise<WrappedInstanceKey[]> {
  const { rows } = await client.query<{ purpose: string; wrapped_key: Buffer }>(
    'SELECT purpose, wrapped_key FROM instance_key',
  );
  return rows.map(({ purpose, wrapped_key: wrappedKey }) => ({ purpose, wrappedKey }));
}
