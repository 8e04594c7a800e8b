import { openBatch, packBatch, sealBatch } from '@onecli/shared/adapters/queue/audit-batch';
import type { TrailBatch } from '@onecli/shared/ports/audit-queue';
import type { EntityManager } from 'typeorm';
import type { Boot } from './open-intents.ts';

/**
 * Batches that came before those that they follow on: a queue that several control planes take from promises no order. They wait in
 * the database, as they lay in the queue, and are taken with what was missing.
 */
export class EarlyBatches {
  readonly #key: Buffer;

  /** @param key the 32-byte key derived for `audit-queue` */
  constructor(key: Buffer) {
    this.#key = key;
  }

  async keep(manager: EntityManager, batch: TrailBatch): Promise<void> {
    const { worker, boot, first, last } = batch;
    await manager.query(
      `INSERT INTO audit_early_batch (worker, boot, first, last, batch) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (worker, boot, first, last) DO UPDATE SET batch = excluded.batch`,
      [worker, boot, first, last, sealBatch(this.#key, packBatch(batch)).sealed],
    );
  }

  /** Takes out the next batch that follows on what has been written through a sequence. */
  async takeNext(manager: EntityManager, { worker, boot }: Boot, through: number): Promise<TrailBatch | undefined> {
    const [rows]: [{ batch: string }[], number] = await manager.query(
      `DELETE FROM audit_early_batch WHERE (worker, boot, first, last) IN
         (SELECT worker, boot, first, last FROM audit_early_batch
          WHERE worker = $1 AND boot = $2 AND first <= $3 ORDER BY first, last LIMIT 1)
       RETURNING batch`,
      [worker, boot, through + 1],
    );
    const [row] = rows;
    return row && openBatch(this.#key, { sealed: row.batch });
  }
}
