import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const kinds = (list: string) =>
  `ALTER TABLE config_change DROP CONSTRAINT config_change_kind_check,
     ADD CONSTRAINT config_change_kind_check CHECK (kind IN (${list}))`;

/** The table of routes, and changes of them. */
export class AddRoutes extends ForwardMigration {
  readonly name = 'AddRoutes1790000003001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(kinds("'secret', 'agent', 'policy', 'authority', 'route'"));
    await runner.query(
      `CREATE TABLE route (
         id uuid PRIMARY KEY,
         name text COLLATE "C" NOT NULL UNIQUE,
         version integer NOT NULL CHECK (version > 0),
         sealed_body bytea NOT NULL,
         created_at timestamptz NOT NULL,
         updated_at timestamptz NOT NULL)`,
    );
  }
}
