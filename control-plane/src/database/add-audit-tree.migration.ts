import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/**
 * The entries of the audit trail in the order in which they were taken, and the Merkle tree over them. Entries lie in blocks: a
 * block is whole links of one worker's boot, its lines deflated and sealed, the hashes of its leaves one after the other in the clear.
 */
const statements = [
  `CREATE TABLE audit_tree (
     is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
     id uuid NOT NULL DEFAULT gen_random_uuid(),
     size bigint NOT NULL DEFAULT 0,
     nodes bytea NOT NULL DEFAULT '',
     taken_at timestamptz NOT NULL DEFAULT now(),
     own_sequence bigint NOT NULL DEFAULT 0,
     own_mac bytea,
     pruned_size bigint NOT NULL DEFAULT 0,
     pruned_nodes bytea NOT NULL DEFAULT '',
     rows_from timestamptz)`,
  'INSERT INTO audit_tree DEFAULT VALUES',
  `CREATE TABLE audit_block (
     first_index bigint NOT NULL,
     entry_count integer NOT NULL CHECK (entry_count > 0),
     taken_at timestamptz NOT NULL,
     worker text COLLATE "C" NOT NULL,
     boot text COLLATE "C" NOT NULL,
     first_sequence bigint NOT NULL,
     previous_mac bytea NOT NULL,
     leaf_hashes bytea NOT NULL,
     sealed_lines bytea NOT NULL,
     PRIMARY KEY (first_index, taken_at)) PARTITION BY RANGE (taken_at)`,
  // Deflated and sealed already: compressing it once more costs time and gains nothing.
  'ALTER TABLE audit_block ALTER COLUMN sealed_lines SET STORAGE EXTERNAL, ALTER COLUMN leaf_hashes SET STORAGE EXTERNAL',
  'CREATE TABLE audit_block_default PARTITION OF audit_block DEFAULT',
  'CREATE INDEX audit_block_boot ON audit_block (worker, boot, first_sequence)',
  `CREATE TABLE audit_node (
     level smallint NOT NULL,
     place bigint NOT NULL,
     hash bytea NOT NULL,
     PRIMARY KEY (level, place))`,
  `CREATE TABLE audit_checkpoint (
     size bigint PRIMARY KEY,
     signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     root bytea NOT NULL,
     note text NOT NULL)`,
  `CREATE TABLE audit_chain_fault (
     entry_index bigint PRIMARY KEY,
     found_at timestamptz NOT NULL DEFAULT now(),
     kind text NOT NULL,
     worker text NOT NULL,
     boot text NOT NULL,
     sequence bigint NOT NULL)`,
  'ALTER TABLE admin_event ADD COLUMN is_in_trail boolean NOT NULL DEFAULT false',
  'CREATE INDEX admin_event_not_in_trail ON admin_event (at, id) WHERE NOT is_in_trail',
];

export class AddAuditTree extends ForwardMigration {
  readonly name = 'AddAuditTree1790003100000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
