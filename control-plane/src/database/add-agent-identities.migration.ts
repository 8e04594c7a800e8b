import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  'ALTER TABLE agent ADD COLUMN sealed_identities bytea',
  // One row for what no two agents may share: a keyed hash, for the identities themselves are sealed.
  `CREATE TABLE agent_identity (
     key_hash bytea PRIMARY KEY,
     agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE)`,
  'CREATE INDEX agent_identity_agent ON agent_identity (agent_id)',
  `CREATE TABLE client_authority (
     id uuid PRIMARY KEY,
     certificate_pem text NOT NULL,
     sealed_key bytea NOT NULL,
     is_active boolean NOT NULL,
     created_at timestamptz NOT NULL)`,
  'CREATE UNIQUE INDEX client_authority_active ON client_authority (is_active) WHERE is_active',
];

/** Agents are recognised by more than a token, all of it sealed: by nothing, where a row has none. */
export class AddAgentIdentities extends ForwardMigration {
  readonly name = 'AddAgentIdentities1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
