import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // As certificate_authority has them: the next one has neither of the last two; one that was replaced has both.
  `ALTER TABLE client_authority
     ADD COLUMN activates_at timestamptz, ADD COLUMN activated_at timestamptz, ADD COLUMN replaced_at timestamptz,
     ADD COLUMN unrecorded_until timestamptz`,
  // Certificates lasted a year at most, and nobody wrote down who has which.
  "UPDATE client_authority SET activated_at = created_at, unrecorded_until = now() + interval '365 days'",
  `CREATE UNIQUE INDEX client_authority_next ON client_authority ((true))
     WHERE NOT is_active AND replaced_at IS NULL`,
  `CREATE TABLE client_certificate (
     id uuid PRIMARY KEY,
     authority_id uuid NOT NULL REFERENCES client_authority (id) ON DELETE CASCADE,
     agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
     expires_at timestamptz NOT NULL)`,
  'CREATE INDEX client_certificate_authority ON client_certificate (authority_id, agent_id)',
  'CREATE INDEX client_certificate_agent ON client_certificate (agent_id)',
  'CREATE INDEX client_certificate_expiry ON client_certificate (expires_at)',
];

/** Authorities for client certificates follow one another as those of the gateway do; and who has a certificate by which. */
export class AddClientAuthorityRotation extends ForwardMigration {
  readonly name = 'AddClientAuthorityRotation1790004100000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
