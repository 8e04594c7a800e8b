import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const tables = ['secret', 'agent', 'policy', 'route'];

/** Which source of configuration as code made an object; null for one that was made by hand. */
export class AddManagedBy extends ForwardMigration {
  readonly name = 'AddManagedBy1790001500000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tables) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN managed_by text COLLATE "C"`);
      await runner.query(`CREATE INDEX ${table}_managed_by ON ${table} (managed_by) WHERE managed_by IS NOT NULL`);
    }
  }
}
