import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** By how much the numbers of this server's transactions are set ahead in the order in which audit events were written. */
export class AddAuditWriteOrder extends ForwardMigration {
  readonly name = 'AddAuditWriteOrder1790004200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE audit_order (
         is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
         ahead bigint NOT NULL DEFAULT 0)`,
    );
    await runner.query('INSERT INTO audit_order DEFAULT VALUES');
  }
}
