import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/**
 * How far the trail of each boot of a worker has been written, what is open in it, and batches that came before those that they
 * follow on. `through` is the highest sequence up to which every entry is there; workers keep what is after it.
 */
const statements = [
  `CREATE TABLE audit_boot (
     worker text NOT NULL,
     boot text NOT NULL,
     through bigint NOT NULL,
     mac text NOT NULL,
     first_at timestamptz NOT NULL DEFAULT now(),
     updated_at timestamptz NOT NULL DEFAULT now(),
     ended_at timestamptz,
     PRIMARY KEY (worker, boot))`,
  `CREATE TABLE audit_intent (
     worker text NOT NULL,
     boot text NOT NULL,
     sequence bigint NOT NULL,
     first_sequence bigint NOT NULL,
     time timestamptz NOT NULL,
     sealed_line bytea NOT NULL,
     PRIMARY KEY (worker, boot, sequence))`,
  'CREATE INDEX audit_intent_first ON audit_intent (worker, boot, first_sequence)',
  `CREATE TABLE audit_early_batch (
     worker text NOT NULL,
     boot text NOT NULL,
     first bigint NOT NULL,
     last bigint NOT NULL,
     batch text NOT NULL,
     came_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (worker, boot, first, last))`,
];

export class AddAuditTrail extends ForwardMigration {
  readonly name = 'AddAuditTrail1790003000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
