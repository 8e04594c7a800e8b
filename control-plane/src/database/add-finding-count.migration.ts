import type { QueryRunner } from 'typeorm';
import { buildIndex } from './build-index.ts';
import { ResumableMigration } from './forward-migration.ts';

/**
 * How many findings an event has, so that those which have some are found among millions: what they are stays sealed. Null:
 * written before, or by a control plane of an earlier release.
 */
export class AddFindingCount extends ResumableMigration {
  readonly name = 'AddFindingCount1790003700001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_event ADD COLUMN IF NOT EXISTS finding_count integer');
    const on = '(time DESC, id DESC) WHERE finding_count > 0';
    await buildIndex(runner, { table: 'audit_event', name: 'audit_event_findings', on });
  }
}
