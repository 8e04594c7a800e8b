import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // Null in rows that a release from before wrote: believed until all have one, which a mark in the key terms says.
  ...['user_account', 'api_key', 'user_session', 'user_link', 'agent'].map(
    (table) => `ALTER TABLE ${table} ADD COLUMN mac bytea`,
  ),
  // Null: of a release that writes rows without a MAC.
  'ALTER TABLE control_plane ADD COLUMN guards_rows boolean',
];

/** A MAC for each row that decides who somebody is: see vault/row-mac. */
export class AddRowMacs extends ForwardMigration {
  readonly name = 'AddRowMacs1790004500000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
