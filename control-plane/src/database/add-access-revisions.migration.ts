import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const kinds = ['secret', 'agent', 'policy', 'authority', 'route', 'user', 'api-key', 'rotation'];

/**
 * The revision that last wrote a user, an API key or a rotation, for conditional writes, and the record of such a change: of it workers take
 * the revision and nothing else, those of the release before too. Rows that are there hold every kind already: they are not looked at.
 */
export class AddAccessRevisions extends ForwardMigration {
  readonly name = 'AddAccessRevisions1790004340000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE config_change DROP CONSTRAINT config_change_kind_check,
         ADD CONSTRAINT config_change_kind_check CHECK (kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})) NOT VALID`,
    );
    for (const table of ['user_account', 'api_key', 'rotation'])
      await runner.query(`ALTER TABLE ${table} ADD COLUMN revision bigint NOT NULL DEFAULT 1`);
  }
}
