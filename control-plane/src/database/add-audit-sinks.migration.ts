import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** How far each sink of audit events is, in the order of writing. */
export class AddAuditSinks extends ForwardMigration {
  readonly name = 'AddAuditSinks1790003100001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE audit_sink (
         name text COLLATE "C" PRIMARY KEY,
         transaction bigint NOT NULL,
         place bigint NOT NULL,
         moved_at timestamptz NOT NULL DEFAULT now())`,
    );
  }
}
