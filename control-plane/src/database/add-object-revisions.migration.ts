import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const tables = ['secret', 'agent', 'policy', 'route'] as const;

/** The revision that last wrote an object, for conditional writes. */
export class AddObjectRevisions extends ForwardMigration {
  readonly name = 'AddObjectRevisions1790001100001';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tables) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN revision bigint NOT NULL DEFAULT 1`);
      await runner.query(
        `UPDATE ${table} SET revision = latest.revision
         FROM (SELECT object_id, max(revision) AS revision FROM config_change WHERE kind = '${table}' GROUP BY object_id) latest
         WHERE latest.object_id = ${table}.id`,
      );
    }
  }
}
