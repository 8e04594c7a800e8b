import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  `ALTER TABLE secret
     ADD COLUMN expires_at timestamptz,
     ADD COLUMN expiry_warned_for timestamptz,
     ADD COLUMN max_versions integer CHECK (max_versions > 0),
     ADD COLUMN previous_alias text COLLATE "C" UNIQUE,
     ADD COLUMN previous_alias_until timestamptz`,
  'CREATE INDEX secret_expires_at ON secret (expires_at) WHERE expires_at IS NOT NULL',
  // A pending version is sealed and no worker is given it: it is being tried out.
  'ALTER TABLE secret_version ADD COLUMN is_pending boolean NOT NULL DEFAULT false, ADD COLUMN sealed_key_id bytea',
  // What is left of a version whose ciphertext is gone. Its number is never given out again.
  `CREATE TABLE destroyed_version (
     secret_id uuid NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
     version integer NOT NULL CHECK (version > 0),
     fingerprint text NOT NULL,
     created_at timestamptz NOT NULL,
     destroyed_at timestamptz NOT NULL,
     PRIMARY KEY (secret_id, version))`,
  // Of the audit trail, in batches: no lock of the configuration, no revision.
  `CREATE TABLE secret_use (
     secret_id uuid NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
     version integer NOT NULL CHECK (version > 0),
     last_used_at timestamptz NOT NULL,
     uses bigint NOT NULL,
     rejections bigint NOT NULL,
     PRIMARY KEY (secret_id, version))`,
];

/** Expiry, kept and destroyed versions, the alias before, and when a version was last used. */
export class AddSecretLifecycle extends ForwardMigration {
  readonly name = 'AddSecretLifecycle1790001300001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
