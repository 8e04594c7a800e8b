import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  `CREATE TABLE rotation (
     id uuid PRIMARY KEY,
     secret_id uuid NOT NULL UNIQUE REFERENCES secret (id) ON DELETE CASCADE,
     version integer NOT NULL CHECK (version > 0),
     sealed_body bytea NOT NULL,
     schedule text,
     zone text NOT NULL,
     is_enabled boolean NOT NULL,
     next_run_at timestamptz,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL)`,
  `CREATE TABLE rotation_run (
     id uuid PRIMARY KEY,
     secret_id uuid NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
     step text NOT NULL,
     attempts integer NOT NULL DEFAULT 0,
     next_at timestamptz NOT NULL,
     cause text NOT NULL,
     old_version integer NOT NULL,
     new_version integer,
     watch_until timestamptz,
     grace_until timestamptz,
     outcome text,
     problem text,
     started_at timestamptz NOT NULL,
     finished_at timestamptz)`,
  // One at a time, until the new version has proven itself.
  `CREATE UNIQUE INDEX rotation_run_active ON rotation_run (secret_id)
     WHERE finished_at IS NULL AND step NOT IN ('GRACE', 'REVOKING')`,
  'CREATE INDEX rotation_run_open ON rotation_run (next_at) WHERE finished_at IS NULL',
  'CREATE INDEX rotation_run_secret ON rotation_run (secret_id, started_at)',
];

/** How secrets are rotated, and each time that it is done, step by step. */
export class AddRotations extends ForwardMigration {
  readonly name = 'AddRotations1790001300002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
