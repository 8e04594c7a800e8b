import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** What agents ask persons to approve. What was approved is a policy, which workers read as any other. */
export class AddApprovals extends ForwardMigration {
  readonly name = 'AddApprovals1790004520000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE approval (
      id uuid PRIMARY KEY,
      fingerprint bytea NOT NULL UNIQUE,
      agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
      sealed_body bytea NOT NULL,
      state text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'ENDED')),
      asks integer NOT NULL CHECK (asks > 0),
      asked_at timestamptz NOT NULL,
      last_asked_at timestamptz NOT NULL,
      decided_at timestamptz,
      decided_by text,
      ends_at timestamptz,
      is_whole_rule boolean NOT NULL DEFAULT false)`);
    await runner.query('CREATE INDEX approval_agent ON approval (agent_id)');
    await runner.query('CREATE INDEX approval_asked ON approval (asked_at, id)');
    await runner.query("CREATE INDEX approval_waiting ON approval (asked_at, id) WHERE state = 'PENDING'");
  }
}
