/**
 * The queue as workers see it: a schema of its own in which a job can be added to the queue of audit events, and nothing else
 * can be done. BullMQ's own tables, in `onecli_queue`, are closed to them: who may use its functions could read the jobs of others,
 * take them away, or add jobs to other queues.
 */
import { runMigrations } from 'bullmq';
import { Client } from 'pg';
import { orAfter } from '../before-deadline.ts';

/** Where BullMQ has its tables. */
export const queueSchema = 'onecli_queue';
/** Where workers find `migration`, which BullMQ checks, and `add_job`. */
export const intakeSchema = 'onecli_intake';
export const auditQueueName = 'audit';

const connectTimeoutMs = 1_500;
const closeTimeoutMs = 2_000;

/** One connection of `pg`. */
type Session = Parameters<typeof runMigrations>[0];

/** Any number will do; it must stay the same for every version that may run beside this one. */
const intakeLock = 6_627_254_016;

const addJobTypes =
  'text, text, text, jsonb, jsonb, integer, bigint, bigint, integer, text, text, text, text, text, boolean';
/** BullMQ counts attempts in 32 bits; at one in half a minute this many take a thousand years. */
const endlessAttempts = 1_000_000_000;
/** Every batch is tried until it is written. Only what nobody can open fails: of those the last stay, to be looked at. */
export const auditJobOptions = {
  attempts: endlessAttempts,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: { count: 100 },
  stackTraceLimit: 1,
};
/** Characters of a sealed batch: far more than a worker has ever gathered. */
const maxSealedLength = 64 * 1024 * 1024;

const statements = [
  `CREATE SCHEMA IF NOT EXISTS ${intakeSchema}`,
  `CREATE OR REPLACE VIEW ${intakeSchema}.migration AS SELECT version, min_client_version FROM ${queueSchema}.migration`,
  // Its arguments are BullMQ's; the caller chooses the id and the batch, and nothing else of them: parents, schedules and
  // priorities reach into other jobs, and one that is never removed would stay in the way of others.
  `CREATE OR REPLACE FUNCTION ${intakeSchema}.add_job(p_queue text, p_id text, p_name text, p_data jsonb, p_opts jsonb,
     p_priority integer, p_delay bigint, p_timestamp bigint, p_max_attempts integer, p_parent_queue text, p_parent_id text,
     p_parent_key text, p_dedup_id text, p_scheduler_id text, p_lifo boolean) RETURNS text
   LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ${queueSchema}, pg_temp AS $$
   DECLARE
     sealed text := p_data->>'sealed';
   BEGIN
     IF p_queue IS DISTINCT FROM '${auditQueueName}' OR coalesce(p_id, '') !~ '^[A-Za-z0-9._-]{1,200}$' THEN
       RAISE EXCEPTION 'workers add jobs to the queue of audit events alone, under an id' USING ERRCODE = 'insufficient_privilege';
     END IF;
     IF sealed IS NULL OR length(sealed) > ${maxSealedLength} THEN
       RAISE EXCEPTION 'not a sealed batch, or a larger one than any worker makes' USING ERRCODE = 'check_violation';
     END IF;
     RETURN ${queueSchema}.add_job(p_queue, p_id, 'batch', jsonb_build_object('sealed', sealed),
       '${JSON.stringify(auditJobOptions)}'::jsonb, 0, 0, (extract(epoch FROM now()) * 1000)::bigint, ${endlessAttempts},
       NULL, NULL, NULL, NULL, NULL, false);
   END $$`,
  `REVOKE ALL ON FUNCTION ${intakeSchema}.add_job(${addJobTypes}) FROM PUBLIC`,
  // Nobody reads BullMQ's own events of this queue.
  `INSERT INTO ${queueSchema}.meta (queue, field, value) VALUES ('${auditQueueName}', 'opts.maxLenEvents', '10')
   ON CONFLICT (queue, field) DO UPDATE SET value = excluded.value`,
];

/** Makes BullMQ's tables and the intake, or brings them up to date. Processes that do it at once take turns. */
export async function prepareAuditIntake(session: Session): Promise<void> {
  await runMigrations(session, queueSchema);
  await session.query('BEGIN');
  try {
    await session.query('SELECT pg_advisory_xact_lock($1)', [intakeLock]);
    for (const statement of statements) await session.query(statement);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK');
    throw error;
  }
}

/** The same, by a connection of its own. */
export async function openAuditIntake(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs, keepAlive: true });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await prepareAuditIntake(client);
  } finally {
    await orAfter(closeTimeoutMs, client.end());
  }
}

/** Lets a role add audit events. @param role a name that needs no quotes */
export async function grantAuditIntake(query: (text: string) => Promise<unknown>, role: string): Promise<void> {
  await query(`GRANT USAGE ON SCHEMA ${intakeSchema} TO ${role}`);
  await query(`GRANT SELECT ON ${intakeSchema}.migration TO ${role}`);
  await query(`GRANT EXECUTE ON FUNCTION ${intakeSchema}.add_job(${addJobTypes}) TO ${role}`);
}
