import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** For how long a worker that hears nothing from the database goes on using a secret; null: for as long as it runs. */
export class AddSecretLease extends ForwardMigration {
  readonly name = 'AddSecretLease1790003300001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE secret ADD COLUMN lease_seconds integer CHECK (lease_seconds > 0)');
  }
}
