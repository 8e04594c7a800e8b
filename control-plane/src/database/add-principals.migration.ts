import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // Null: the role of the column `role`, in every environment, as it was before roles had environments.
  'ALTER TABLE user_account ADD COLUMN assignments jsonb',
  'ALTER TABLE user_account ADD COLUMN signed_in_at timestamptz',
  // Who was invited has no password yet.
  'ALTER TABLE user_account ALTER COLUMN password_hash DROP NOT NULL',
  `CREATE TABLE user_link (
     user_id uuid PRIMARY KEY REFERENCES user_account (id) ON DELETE CASCADE,
     hash bytea NOT NULL UNIQUE,
     created_at timestamptz NOT NULL,
     expires_at timestamptz NOT NULL)`,
  `CREATE TABLE user_session (
     id uuid PRIMARY KEY,
     user_id uuid NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
     hash bytea NOT NULL UNIQUE,
     address text NOT NULL,
     client text NOT NULL,
     created_at timestamptz NOT NULL,
     seen_at timestamptz NOT NULL,
     expires_at timestamptz NOT NULL)`,
  'CREATE INDEX user_session_user ON user_session (user_id, created_at)',
  `CREATE TABLE api_key (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     owner_id uuid REFERENCES user_account (id) ON DELETE CASCADE,
     hash bytea NOT NULL UNIQUE,
     prefix text NOT NULL,
     assignments jsonb,
     actions text[],
     environments text[],
     created_at timestamptz NOT NULL,
     expires_at timestamptz,
     used_at timestamptz)`,
  'CREATE INDEX api_key_owner ON api_key (owner_id)',
  // The columns that rate-limiter-flexible asks for.
  'CREATE TABLE login_limit (key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint)',
  `ALTER TABLE admin_event ADD COLUMN outcome text NOT NULL DEFAULT 'done'`,
  'ALTER TABLE admin_event ADD COLUMN reason text',
  'ALTER TABLE admin_event ADD COLUMN owner text',
  'ALTER TABLE admin_event ADD COLUMN address text',
  'ALTER TABLE admin_event ADD COLUMN request_id text',
  'ALTER TABLE admin_event ADD COLUMN environment text COLLATE "C"',
  'CREATE INDEX admin_event_place ON admin_event (at DESC, id DESC)',
];

/** Users with roles by environment, their sessions, API keys, and who did or tried what from where. */
export class AddPrincipals extends ForwardMigration {
  readonly name = 'AddPrincipals1790001200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
