import type { QueryRunner } from 'typeorm';
import { ForwardMigration } from './forward-migration.ts';

/** A report is refused that is larger, or that would be of one worker more: the names are the workers' own. */
const maxReportBytes = 16_384;
const maxWorkers = 10_000;

const statements = [
  // What a worker had to do when it reported. NULL: one of an earlier release, or one that has no spool.
  `ALTER TABLE worker
     ADD COLUMN connections integer,
     ADD COLUMN requests_per_second real,
     ADD COLUMN cpu_share real,
     ADD COLUMN memory_bytes bigint,
     ADD COLUMN spool_bytes bigint`,
  // Database roles that workers sign in as: their rights are renewed whenever the schema may have changed.
  'CREATE TABLE worker_role (name text COLLATE "C" PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now())',
];

/**
 * All that a worker writes. It runs with the rights of the schema's owner: what is built in stands first in its path, then the
 * tables' schema, in which others may be allowed to create, and the one of temporary tables, which its caller may fill, last. No
 * call in it needs a cast of what it is given: one that fits better would be taken from anywhere in the path.
 */
const heartbeat = (schema: string) => `
  CREATE OR REPLACE FUNCTION worker_heartbeat(report jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, ${schema}, pg_temp AS $$
  DECLARE
    new_name text := report->>'name';
  BEGIN
    IF new_name IS NULL OR new_name !~ '^[a-z0-9][a-z0-9-]{0,62}$' OR octet_length(report::text) > ${maxReportBytes} THEN
      RAISE EXCEPTION 'not a report of a worker' USING ERRCODE = 'check_violation';
    END IF;
    -- Columns of a later step: it makes this function anew. This runs as the owner of the tables, who may write them anyway.
    IF EXISTS (SELECT FROM worker_role r WHERE (r.name = session_user AND r.worker <> new_name)
        OR (r.worker = new_name AND r.name <> session_user AND session_user <> current_user)) THEN
      RAISE EXCEPTION 'this role does not report as that worker' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM worker WHERE name = new_name) AND (SELECT count(*) FROM worker) >= ${maxWorkers} THEN
      RAISE EXCEPTION 'there are % workers already', ${maxWorkers} USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO worker (name, boot_id, version, applied_revision, started_at, terms, is_master_key_current, authorities,
        connections, requests_per_second, cpu_share, memory_bytes, spool_bytes, seen_at)
      SELECT new_name, r."bootId", r.version, r."appliedRevision", to_timestamp(r."startedAtMs" / 1000.0::double precision), r.terms,
        r."isMasterKeyCurrent", r.authorities, r.connections, r."requestsPerSecond", r."cpuShare", r."memoryBytes",
        r."spoolBytes", now()
      FROM jsonb_to_record(report) AS r("bootId" text, version text, "appliedRevision" bigint, "startedAtMs" double precision,
        terms integer[], "isMasterKeyCurrent" boolean, authorities uuid[], connections integer, "requestsPerSecond" real,
        "cpuShare" real, "memoryBytes" bigint, "spoolBytes" bigint)
      ON CONFLICT (name) DO UPDATE SET boot_id = excluded.boot_id, version = excluded.version,
        applied_revision = excluded.applied_revision, started_at = excluded.started_at, terms = excluded.terms,
        is_master_key_current = excluded.is_master_key_current, authorities = excluded.authorities,
        connections = excluded.connections, requests_per_second = excluded.requests_per_second,
        cpu_share = excluded.cpu_share, memory_bytes = excluded.memory_bytes, spool_bytes = excluded.spool_bytes,
        seen_at = excluded.seen_at;
  END $$`;

/** The statement that makes it, or makes it anew. */
export async function workerHeartbeat(runner: Pick<QueryRunner, 'query'>): Promise<string> {
  const rows = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as { schema: string }[];
  return heartbeat(rows[0]?.schema ?? 'public');
}

/** Workers need a role that can read what they decide by, and change nothing: what they report goes through a function. */
export class AddWorkerRole extends ForwardMigration {
  readonly name = 'AddWorkerRole1790003300000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
    await runner.query(await workerHeartbeat(runner));
    await runner.query('REVOKE ALL ON FUNCTION worker_heartbeat(jsonb) FROM PUBLIC');
  }
}
