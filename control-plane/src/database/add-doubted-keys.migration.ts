import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** Whether a call of a run may have made a key at the provider that did not come. */
export class AddDoubtedKeys extends ForwardMigration {
  readonly name = 'AddDoubtedKeys1790004510000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE rotation_run ADD COLUMN may_leave_key boolean NOT NULL DEFAULT false');
  }
}
