import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A step of the schema. Steps only go forward: a release that is taken back runs on the newer schema, which is why a step adds
 * and never renames or drops what workers of the release before still read. TypeORM orders steps by the number in their names.
 */
export abstract class ForwardMigration implements MigrationInterface {
  abstract readonly name: string;

  abstract up(runner: QueryRunner): Promise<void>;

  down(): Promise<never> {
    return Promise.reject(new Error('Migrations only go forward. To go back, restore a backup.'));
  }
}

/**
 * A step with work that grows with the rows that are there: in one transaction it would keep writers out for as long as that takes.
 * Each of its statements is a transaction of its own. It may be ended after any of them, and begins anew then: it passes
 * over what is done.
 */
export abstract class ResumableMigration extends ForwardMigration {
  readonly transaction = false;
}
