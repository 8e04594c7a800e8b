import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** What the release before added to the problem of a run. */
const saidBefore = '; the provider may have made a key that nobody uses: look there for it';

/**
 * Whether a call of a run may have made a key at the provider that did not come. Of the runs under way: those whose problem says it, and
 * those that have asked, for the restart that brings this step may have cut a call. Under one lock, so that nobody asks in between.
 */
export class AddDoubtedKeys extends ForwardMigration {
  readonly name = 'AddDoubtedKeys1790004510000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE rotation_run ADD COLUMN may_leave_key boolean NOT NULL DEFAULT false');
    // It is said anew when the run ends.
    await runner.query(
      `UPDATE rotation_run SET may_leave_key = true, problem = replace(problem, '${saidBefore}', '')
       WHERE finished_at IS NULL AND (step = 'CREATING' AND attempts > 0 OR problem LIKE '%${saidBefore}%')`,
    );
  }
}
