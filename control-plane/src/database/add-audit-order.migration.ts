import type { QueryRunner } from 'typeorm';
import { buildIndex } from './build-index.ts';
import { ResumableMigration } from './forward-migration.ts';

/**
 * The order in which audit events were written, for those who follow them: the transaction, and the place within it. Events
 * of before have none: whoever follows from one of them begins with the first that has. Adding the columns without a
 * default rewrites nothing.
 */
const statements = [
  'CREATE SEQUENCE IF NOT EXISTS audit_event_written CACHE 100',
  'ALTER TABLE audit_event ADD COLUMN IF NOT EXISTS written_by bigint, ADD COLUMN IF NOT EXISTS written_at_place bigint',
  `ALTER TABLE audit_event ALTER COLUMN written_by SET DEFAULT pg_current_xact_id()::text::bigint,
     ALTER COLUMN written_at_place SET DEFAULT nextval('audit_event_written')`,
];

export class AddAuditOrder extends ResumableMigration {
  readonly name = 'AddAuditOrder1790001100002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
    await buildIndex(runner, { table: 'audit_event', name: 'audit_event_order', on: '(written_by, written_at_place)' });
  }
}
