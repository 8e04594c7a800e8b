import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // Lives of the database: see shared/src/vault/epoch.ts. `restored_at`: a restore that nobody has confirmed.
  `ALTER TABLE config_state ADD COLUMN epoch bigint NOT NULL DEFAULT 0, ADD COLUMN epoch_mac bytea,
     ADD COLUMN restored_at timestamptz`,
  // What was destroyed must not come back from a backup. A trigger, so that no way of deleting can forget it.
  `CREATE TABLE destroyed_value (
     secret_id uuid NOT NULL,
     version integer NOT NULL,
     destroyed_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (secret_id, version))`,
  'CREATE INDEX destroyed_value_at ON destroyed_value (destroyed_at)',
  `CREATE FUNCTION remember_destroyed_value() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO destroyed_value (secret_id, version) VALUES (old.secret_id, old.version) ON CONFLICT DO NOTHING;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER secret_version_destroyed AFTER DELETE ON secret_version
     FOR EACH ROW EXECUTE FUNCTION remember_destroyed_value()`,
];

/** What a restore needs: the epoch of the database, and the list of what was destroyed. */
export class AddRestore extends ForwardMigration {
  readonly name = 'AddRestore1790001400002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
