import type { StorePosition } from '../../ports/snapshot-source.ts';

/** Where the store is, as its tables tell it. */
export interface StateRow {
  readonly revision: string;
  readonly key_generation: string;
  readonly epoch: string;
  readonly epoch_mac: Buffer | null;
  readonly restored_at: Date | null;
  readonly instance_id: string | null;
}

/** @throws Error when there is none */
export function positionOf([row]: readonly StateRow[]): StorePosition {
  if (row === undefined) throw new Error('The database holds no revision yet');
  return {
    revision: Number(row.revision),
    keyGeneration: Number(row.key_generation),
    epoch: {
      instanceId: row.instance_id ?? undefined,
      epoch: Number(row.epoch),
      mac: row.epoch_mac ?? undefined,
      isRestored: row.restored_at !== null,
    },
  };
}
