import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** A worker that is gone for long leaves requests open of which nobody will tell the end: they are shown as interrupted, and may end yet. */
export class AddClosedIntents extends ForwardMigration {
  readonly name = 'AddClosedIntents1790004320000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_intent ADD COLUMN closed_at timestamptz');
  }
}
