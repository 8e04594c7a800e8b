import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/**
 * How many findings an event has, so that those which have some are found among millions: what they are stays sealed. Null:
 * written before, or by a control plane of an earlier release.
 */
export class AddFindingCount extends ForwardMigration {
  readonly name = 'AddFindingCount1790003700001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_event ADD COLUMN finding_count integer');
    await runner.query('CREATE INDEX audit_event_findings ON audit_event (time DESC, id DESC) WHERE finding_count > 0');
  }
}
