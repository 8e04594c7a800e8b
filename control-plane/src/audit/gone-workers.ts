import type { DataSource } from 'typeorm';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import type { AuditStore } from './audit-store.ts';
import { interruptedEvents } from './merge-entries.ts';
import type { Boot, OpenIntents } from './open-intents.ts';
import { lockRun } from './trail-store.ts';

const lookEveryMs = 600_000;
/** How long a worker has to be silent: a machine may be off for a night. */
const silentHours = 24;
const runsAtOnce = 100;

interface Sources {
  readonly database: DataSource;
  readonly store: Pick<AuditStore, 'insert'>;
  readonly intents: OpenIntents;
}

const ofGone = `FROM audit_intent i JOIN audit_boot b USING (worker, boot)
  WHERE i.closed_at IS NULL AND b.ended_at IS NULL AND b.updated_at < now() - interval '${silentHours} hours'
    AND i.time < now() - interval '${silentHours} hours'
    AND NOT EXISTS (SELECT FROM worker w WHERE w.name = b.worker AND w.boot_id = b.boot
      AND w.seen_at > now() - interval '${silentHours} hours')`;

/**
 * Shows requests as interrupted whose worker is gone for a day and whose spool nobody gave: its folder was removed, or its machine is. Of the
 * trail nothing is said: should the spool come after all, what is in it is taken as ever, and the ends in it are put in the place.
 */
export class GoneWorkers implements LeaderJob {
  readonly name = 'gone-workers';
  readonly everyMs = lookEveryMs;
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  readonly look = async (signal: AbortSignal): Promise<void> => {
    const { database } = this.#sources;
    const runs = await database.query<Boot[]>(`SELECT DISTINCT worker, boot ${ofGone} LIMIT ${runsAtOnce}`);
    const faults: unknown[] = [];
    // One of which something was altered keeps no other from being closed.
    for (const run of runs) if (!signal.aborted) await this.#close(run).catch((fault: unknown) => faults.push(fault));
    if (faults.length > 0) throw new AggregateError(faults, `${faults.length} runs of workers could not be closed`);
  };

  #close({ worker, boot }: Boot): Promise<void> {
    const { database, store, intents } = this.#sources;
    return database.transaction('READ COMMITTED', async (manager) => {
      await lockRun(manager, { worker, boot });
      // Something may have come while it was waited for.
      const [still] = await manager.query<unknown[]>(`SELECT 1 ${ofGone} AND worker = $1 AND boot = $2 LIMIT 1`, [
        worker,
        boot,
      ]);
      if (still === undefined) return;
      await store.insert(interruptedEvents(worker, boot, await intents.close(manager, { worker, boot })), manager);
    });
  }
}
