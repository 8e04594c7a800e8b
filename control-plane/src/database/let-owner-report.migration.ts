import type { QueryRunner } from 'typeorm';
import { workerHeartbeat } from './add-worker-role.migration.ts';
import { ForwardMigration } from './forward-migration.ts';

/**
 * Workers that sign in as the owner of the tables, as those of one machine do, report under any name, also under one that a role is bound
 * to: a cluster was tried on the same data, say. They were refused, and nobody waited for them.
 */
export class LetOwnerReport extends ForwardMigration {
  readonly name = 'LetOwnerReport1790004330000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(await workerHeartbeat(runner));
  }
}
