import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // The next authority has neither of the last two; one that was replaced has both.
  `ALTER TABLE certificate_authority
     ADD COLUMN activates_at timestamptz, ADD COLUMN activated_at timestamptz, ADD COLUMN replaced_at timestamptz`,
  'UPDATE certificate_authority SET activated_at = created_at',
  `CREATE UNIQUE INDEX certificate_authority_next ON certificate_authority ((true))
     WHERE NOT is_active AND replaced_at IS NULL`,
  // NULL: a worker of an earlier release, which hands out the active authority alone.
  'ALTER TABLE worker ADD COLUMN authorities uuid[]',
];

/** Authorities that follow one another while agents trust both, and what each worker has of them. */
export class AddAuthorityRotation extends ForwardMigration {
  readonly name = 'AddAuthorityRotation1790002100000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
