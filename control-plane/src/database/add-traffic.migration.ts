import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

const statements = [
  // latency_class: -1 what was denied, -2 all of them together, where there are names.
  `CREATE TABLE traffic (
     grain int NOT NULL,
     kind text NOT NULL,
     name text NOT NULL,
     at timestamptz NOT NULL,
     latency_class int NOT NULL,
     count bigint NOT NULL,
     failures bigint NOT NULL,
     PRIMARY KEY (grain, kind, name, at, latency_class))`,
  'CREATE INDEX traffic_names ON traffic (grain, kind, at) INCLUDE (name, count) WHERE latency_class = -2',
  'CREATE INDEX traffic_age ON traffic (grain, at)',
  // Events of transactions before this one are counted; the epoch says in which life of the database.
  `CREATE TABLE traffic_place (
     id int PRIMARY KEY CHECK (id = 1),
     written_by bigint NOT NULL,
     epoch bigint NOT NULL)`,
  'INSERT INTO traffic_place SELECT 1, 0, epoch FROM config_state',
];

/** What audit events come to, counted once: charts are not counted over a million of them each time. */
export class AddTraffic extends ForwardMigration {
  readonly name = 'AddTraffic1790004100001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }
}
