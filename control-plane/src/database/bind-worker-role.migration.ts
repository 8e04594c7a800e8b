import type { QueryRunner } from 'typeorm';
import { workerHeartbeat } from './add-worker-role.migration.ts';
import { ForwardMigration } from './forward-migration.ts';

/** A role may be one worker's alone: it reports as that worker, and as it no other role does but the owner. */
export class BindWorkerRole extends ForwardMigration {
  readonly name = 'BindWorkerRole1790004310000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE worker_role ADD COLUMN worker text');
    await runner.query(await workerHeartbeat(runner));
  }
}
