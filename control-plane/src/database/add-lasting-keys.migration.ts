import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** Keys that outlive the master key. They are filled in when the instance is opened. */
export class AddLastingKeys extends ForwardMigration {
  readonly name = 'AddLastingKeys1790001400001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE instance_key (purpose text PRIMARY KEY, wrapped_key bytea NOT NULL)');
  }
}
