import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** Names are compared by bytes (`COLLATE "C"`), so that a cursor means the same on every server. */
const statements = [
  `CREATE TABLE instance (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     id uuid NOT NULL,
     key_check bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE key_term (
     term integer PRIMARY KEY CHECK (term > 0),
     wrapped_key bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now(),
     retired_at timestamptz)`,
  `CREATE TABLE config_state (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     revision bigint NOT NULL CHECK (revision >= 0))`,
  'INSERT INTO config_state (revision) VALUES (0)',
  `CREATE TABLE config_change (
     revision bigint NOT NULL,
     kind text NOT NULL CHECK (kind IN ('secret', 'agent', 'policy', 'authority')),
     object_id uuid NOT NULL,
     operation text NOT NULL CHECK (operation IN ('upsert', 'remove')),
     principal text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (revision, kind, object_id))`,
  `CREATE TABLE secret (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     description text NOT NULL,
     binding jsonb NOT NULL,
     current_version integer NOT NULL CHECK (current_version > 0),
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL)`,
  `CREATE TABLE secret_version (
     secret_id uuid NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
     version integer NOT NULL CHECK (version > 0),
     sealed bytea NOT NULL,
     fingerprint text NOT NULL,
     created_at timestamptz NOT NULL,
     PRIMARY KEY (secret_id, version))`,
  `CREATE TABLE agent (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     labels jsonb NOT NULL,
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL)`,
  `CREATE TABLE agent_token (
     id uuid PRIMARY KEY,
     agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
     hash bytea NOT NULL UNIQUE,
     prefix text NOT NULL,
     created_at timestamptz NOT NULL,
     expires_at timestamptz)`,
  'CREATE INDEX agent_token_agent ON agent_token (agent_id)',
  `CREATE TABLE policy (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     version integer NOT NULL CHECK (version > 0),
     sealed_body bytea NOT NULL,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL)`,
  `CREATE TABLE certificate_authority (
     id uuid PRIMARY KEY,
     certificate_pem text NOT NULL,
     sealed_key bytea NOT NULL,
     is_active boolean NOT NULL,
     created_at timestamptz NOT NULL)`,
  'CREATE UNIQUE INDEX certificate_authority_active ON certificate_authority (is_active) WHERE is_active',
  `CREATE TABLE user_account (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     password_hash text NOT NULL,
     role text NOT NULL,
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL DEFAULT now(),
     updated_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE worker (
     name text COLLATE "C" PRIMARY KEY,
     boot_id text NOT NULL,
     version text NOT NULL,
     applied_revision bigint NOT NULL,
     started_at timestamptz NOT NULL,
     seen_at timestamptz NOT NULL)`,
  `CREATE TABLE admin_event (
     id uuid PRIMARY KEY,
     at timestamptz NOT NULL,
     principal text NOT NULL,
     action text NOT NULL,
     object_kind text NOT NULL,
     object_name text NOT NULL,
     revision bigint NOT NULL,
     detail jsonb NOT NULL)`,
  'CREATE INDEX admin_event_at ON admin_event (at DESC)',
  `CREATE TABLE audit_event (
     time timestamptz NOT NULL,
     id text COLLATE "C" NOT NULL,
     revision bigint NOT NULL,
     worker text NOT NULL,
     request_id text NOT NULL,
     agent_id uuid,
     agent text,
     decision text NOT NULL,
     reason text NOT NULL,
     rule text,
     host text NOT NULL,
     port integer NOT NULL,
     method text NOT NULL,
     status integer NOT NULL,
     latency_ms real NOT NULL,
     request_bytes bigint NOT NULL,
     response_bytes bigint NOT NULL,
     secrets text[] NOT NULL,
     sealed_detail bytea NOT NULL,
     PRIMARY KEY (time, id)) PARTITION BY RANGE (time)`,
  'CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT',
  // The newest first by time alone is the primary key, read backwards. What rises with time is appended to an index.
  'CREATE INDEX audit_event_agent ON audit_event (agent, time)',
  'CREATE INDEX audit_event_host ON audit_event (host, time)',
  `CREATE INDEX audit_event_denied ON audit_event (time) WHERE decision = 'deny'`,
];

/** The tables of configuration, workers and audit. */
export class CreateConfiguration extends ForwardMigration {
  readonly name = 'CreateConfiguration1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
