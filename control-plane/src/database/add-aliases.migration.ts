import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The alias of a secret: no secret itself, and never that of two. */
export class AddAliases implements MigrationInterface {
  readonly name = 'AddAliases1790000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE secret ADD COLUMN alias text COLLATE "C" UNIQUE');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE secret DROP COLUMN alias');
  }
}
