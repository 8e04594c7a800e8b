import type { QueryRunner } from 'typeorm';
import { workerHeartbeat } from './add-worker-role.migration.ts';
import { ForwardMigration } from './forward-migration.ts';

/**
 * Its path had the tables' schema first. A role that may create in there, as everybody may in databases from before PostgreSQL 15,
 * could put a function of its own in the place of a built-in one, and have it run with the owner's rights.
 */
export class PinWorkerHeartbeat extends ForwardMigration {
  readonly name = 'PinWorkerHeartbeat1790003500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(await workerHeartbeat(runner));
  }
}
