import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** Which API key made an API key, so that the one ends with the other. No reference: a backup is restored in any order of rows. */
export class AddKeyMakers extends ForwardMigration {
  readonly name = 'AddKeyMakers1790002400002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE api_key ADD COLUMN made_by uuid');
  }
}
