import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** The alias of a secret: no secret itself, and never that of two. */
export class AddAliases extends ForwardMigration {
  readonly name = 'AddAliases1790000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE secret ADD COLUMN alias text COLLATE "C" UNIQUE');
  }
}
