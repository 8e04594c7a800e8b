import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** A MAC over how far the trail of a boot is written; null in rows of the release before, which are held against the entries. */
export class AddBootSeal extends ForwardMigration {
  readonly name = 'AddBootSeal1790003600001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_boot ADD COLUMN seal bytea');
  }
}
