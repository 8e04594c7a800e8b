import type { EntityManager } from 'typeorm';

/** A block as it is stored. */
export interface StoredBlock {
  readonly firstIndex: number;
  readonly count: number;
  readonly takenAt: Date;
  readonly worker: string;
  readonly boot: string;
  readonly firstSequence: number;
  readonly previousMac: Buffer;
  readonly leafHashes: Buffer;
  readonly sealedLines: Buffer;
}

const blocksAtOnce = 8;

/** Blocks from an index to before another, all or one worker's, in their order; a few at once are in memory. */
export async function* readBlocks(
  manager: EntityManager,
  from: number,
  to: number,
  worker: string | null = null,
): AsyncGenerator<StoredBlock> {
  let after = from - 1;
  for (;;) {
    const blocks = await manager.query<StoredBlock[]>(
      `SELECT first_index::float8 AS "firstIndex", entry_count AS "count", taken_at AS "takenAt", worker, boot,
         first_sequence::float8 AS "firstSequence", previous_mac AS "previousMac", leaf_hashes AS "leafHashes",
         sealed_lines AS "sealedLines"
       FROM audit_block WHERE first_index > $1 AND first_index < $2 AND ($3::text IS NULL OR worker = $3) ORDER BY first_index LIMIT ${blocksAtOnce}`,
      [after, to, worker],
    );
    yield* blocks;
    const last = blocks.at(-1);
    if (last === undefined) return;
    after = last.firstIndex;
  }
}
