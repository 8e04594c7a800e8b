import type { DataSource } from 'typeorm';

const dayMs = 86_400_000;
/** From these ages on, one is kept of each hour, and of each day. */
const ages = [
  { unit: 'hour', ms: 2 * dayMs },
  { unit: 'day', ms: 90 * dayMs },
] as const;
const atOnce = 10_000;

/**
 * Removes checkpoints of long ago, but for the last of each hour, later of each day: a later one covers all that earlier ones do, and
 * proofs are made of the tree alone. The newest of all stays. @returns how many went
 */
export async function thinCheckpoints(database: DataSource, nowMs: number): Promise<number> {
  let count = 0;
  for (const { unit, ms } of ages)
    for (let removed = atOnce; removed === atOnce; count += removed) {
      const [, rows] = await database.query<[unknown, number]>(
        `DELETE FROM audit_checkpoint WHERE size IN (
           SELECT size FROM (
             SELECT size, lead(signed_at) OVER (ORDER BY size) AS next_at, signed_at FROM audit_checkpoint WHERE signed_at < $1) c
           WHERE date_trunc($2, c.signed_at, 'UTC') = date_trunc($2, c.next_at, 'UTC') LIMIT ${atOnce})`,
        [new Date(nowMs - ms), unit],
      );
      removed = rows;
    }
  return count;
}
