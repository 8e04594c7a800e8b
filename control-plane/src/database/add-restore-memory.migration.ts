import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // The highest number that a secret's versions ever had, where its rows do not tell any more. No reference: it outlives the secret.
  'CREATE TABLE highest_version (secret_id uuid PRIMARY KEY, version integer NOT NULL CHECK (version > 0))',
  // The highest number that a key term ever had: 0 where the rows tell.
  'ALTER TABLE config_state ADD COLUMN highest_term bigint NOT NULL DEFAULT 0',
  // Came back by a restore that nobody has confirmed: it lets nobody in.
  'ALTER TABLE user_account ADD COLUMN is_held boolean NOT NULL DEFAULT false',
  'ALTER TABLE api_key ADD COLUMN is_held boolean NOT NULL DEFAULT false',
];

/** What a restore must not forget of the database that it replaces, and whom it does not let in yet. */
export class AddRestoreMemory extends ForwardMigration {
  readonly name = 'AddRestoreMemory1790004360000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
