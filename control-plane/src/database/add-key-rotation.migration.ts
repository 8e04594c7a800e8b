import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // A term that is there already seals. One that is being announced has NULL until every process can open it.
  'ALTER TABLE key_term ADD COLUMN activated_at timestamptz DEFAULT now()',
  'ALTER TABLE config_state ADD COLUMN key_generation bigint NOT NULL DEFAULT 0',
  // NULL: a worker of an earlier release, which learns no term while it runs.
  'ALTER TABLE worker ADD COLUMN terms integer[], ADD COLUMN is_master_key_current boolean',
  `CREATE TABLE control_plane (
     name text COLLATE "C" PRIMARY KEY,
     terms integer[] NOT NULL,
     is_master_key_current boolean NOT NULL,
     seen_at timestamptz NOT NULL)`,
];

/** Key terms that come and go while processes run, and what each process has of them. */
export class AddKeyRotation extends ForwardMigration {
  readonly name = 'AddKeyRotation1790001400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
