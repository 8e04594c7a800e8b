import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/**
 * That a worker was said to be gone: when, and after which report. The row stays: when it last reported is what the requests that it left
 * open are judged by. A report after that one, of whichever release, makes the worker known again without anybody's doing.
 */
export class AddForgottenWorkers extends ForwardMigration {
  readonly name = 'AddForgottenWorkers1790004350000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE worker ADD COLUMN forgotten_at timestamptz, ADD COLUMN forgotten_report timestamptz',
    );
  }
}
