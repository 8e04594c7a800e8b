import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** Which agents used a version, and which of them were rejected with it: two of each at most, enough to tell one from several. */
export class AddRejectingAgents extends ForwardMigration {
  readonly name = 'AddRejectingAgents1790002400001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE secret_use
         ADD COLUMN used_by text[] NOT NULL DEFAULT '{}',
         ADD COLUMN rejected_by text[] NOT NULL DEFAULT '{}'`,
    );
  }
}
