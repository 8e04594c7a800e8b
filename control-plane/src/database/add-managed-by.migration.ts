import type { MigrationInterface, QueryRunner } from 'typeorm';

const tables = ['secret', 'agent', 'policy', 'route'];

/** Which source of configuration as code made an object; null for one that was made by hand. */
export class AddManagedBy implements MigrationInterface {
  readonly name = 'AddManagedBy1790001500000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tables) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN managed_by text COLLATE "C"`);
      await runner.query(`CREATE INDEX ${table}_managed_by ON ${table} (managed_by) WHERE managed_by IS NOT NULL`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tables) await runner.query(`ALTER TABLE ${table} DROP COLUMN managed_by`);
  }
}
