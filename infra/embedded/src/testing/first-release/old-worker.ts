/**
 * What processes of the first release ask of the database while a newer control plane changes its schema. Statements are those of
 * commit 099ca06, word for word: shared/src/adapters/postgres/snapshot-source.ts and snapshot-rows.ts (a worker's reading of all, its
 * look at the keys, its report), control-plane/src/audit/audit-columns.ts (audit events, here one at a time), and those that
 * control-plane/src/configuration/change-config.ts and secrets/secret.service.ts make for the change of a secret.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** `query_timeout` of a worker of that release: one that waits longer has failed. */
const queryTimeoutMs = 10_000;

const reads = [
  'SELECT revision FROM config_state',
  `SELECT s.id, s.name, s.alias, s.binding, s.is_disabled, s.current_version, v.version, v.sealed
     FROM secret s JOIN secret_version v ON v.secret_id = s.id
     WHERE $1::uuid[] IS NULL OR s.id = ANY ($1) ORDER BY s.name, v.version`,
  `SELECT a.id, a.name, a.labels, a.is_disabled, a.sealed_identities, t.hash, t.expires_at
     FROM agent a LEFT JOIN agent_token t ON t.agent_id = a.id
     WHERE $1::uuid[] IS NULL OR a.id = ANY ($1) ORDER BY a.name, t.created_at`,
  'SELECT id, name, version, sealed_body FROM policy WHERE $1::uuid[] IS NULL OR id = ANY ($1) ORDER BY name',
  'SELECT id, name, version, sealed_body FROM route WHERE $1::uuid[] IS NULL OR id = ANY ($1) ORDER BY name',
  'SELECT id, certificate_pem, sealed_key FROM certificate_authority WHERE is_active',
  'SELECT id, certificate_pem, sealed_key FROM client_authority WHERE is_active',
  'SELECT id, key_check FROM instance',
];

const changes = 'SELECT revision, kind, object_id FROM config_change WHERE revision > $1 AND revision <= $2';

const report = `INSERT INTO worker (name, boot_id, version, applied_revision, started_at, seen_at)
       VALUES ($1, $2, $3, $4, $5, now())
       ON CONFLICT (name) DO UPDATE SET boot_id = excluded.boot_id, version = excluded.version,
         applied_revision = excluded.applied_revision, started_at = excluded.started_at, seen_at = excluded.seen_at`;

const audit = `INSERT INTO audit_event (time, id, revision, worker, request_id, agent_id, agent, decision, reason, rule, host, port,
    method, status, latency_ms, request_bytes, response_bytes, secrets, sealed_detail)
    SELECT to_timestamp(($2::float8[])[1] / 1000), ($3::text[])[1], 9, 'old-worker', 'r', NULL, 'old-agent', 'allow', 'ALLOWED', NULL,
    'api.openai.com', 443, 'GET', 200, 1, 0, 0, '{}'::text[], e.sealed_detail
    FROM unnest($1::bytea[]) AS e(sealed_detail) ON CONFLICT DO NOTHING`;

const secretColumns =
  'name = $2, description = $3, alias = $4, binding = $5, current_version = $6, is_disabled = $7, updated_at = $8';

/** A change of a secret by a control plane of that release: what comes before BEGIN and COMMIT is TypeORM's. */
async function changeAsOldControlPlane(client: pg.Client, description: string): Promise<void> {
  await client.query('START TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await client.query('SET LOCAL lock_timeout = 10000');
  await client.query('SELECT pg_advisory_xact_lock($1)', [6_627_254_001]);
  const { rows } = await client.query<Record<string, unknown>>(
    `SELECT id, name, description, alias, binding, current_version, is_disabled, created_at, updated_at
     FROM secret WHERE name = 'staging/idle' LIMIT 1`,
  );
  const [{ id, name, alias, binding, current_version: version, is_disabled: isDisabled } = {}] = rows;
  const columns = [name, description, alias, JSON.stringify(binding), version, isDisabled, new Date()];
  await client.query(`UPDATE secret SET ${secretColumns} WHERE id IN ($1)`, [id, ...columns]);
  await client.query('UPDATE config_state SET revision = revision + 1');
  const [state] = (await client.query<{ revision: string }>('SELECT revision FROM config_state')).rows;
  await client.query(
    'INSERT INTO config_change (revision, kind, object_id, operation, principal) VALUES ($1, $2, $3, $4, $5)',
    [state?.revision, 'secret', id, 'upsert', 'user:admin'],
  );
  await client.query(
    `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
       VALUES ($1, now(), $2, $3, $4, $5, $6, $7)`,
    [randomUUID(), 'user:admin', 'secret:update', 'secret', name, state?.revision, '{"fields": ["description"]}'],
  );
  await client.query('COMMIT');
}

/** Everything that a whole reading gave, as text, so that two can be compared. */
export async function readAsOldWorker(client: pg.Client): Promise<string> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const found: unknown[] = [];
  for (const text of reads) {
    const { rows } = await client.query<object>(text, text.includes('$1') ? [null] : []);
    found.push(rows);
  }
  await client.query(changes, [0, 1_000]);
  await client.query('COMMIT');
  return JSON.stringify(found);
}

export type OldLoop = 'readings' | 'events' | 'changes';

/** Loops of the old release; each is its own connection, and stops for good at the first error. */
export class OldRelease {
  /** How often each loop has come round. */
  readonly rounds: Record<OldLoop, number> = { readings: 0, events: 0, changes: 0 };
  readonly errors: unknown[] = [];
  readonly #ending = new AbortController();
  readonly #loops: readonly OldLoop[];
  readonly #running: Promise<void>[];

  constructor(connectionString: string, loops: readonly OldLoop[] = ['readings', 'events', 'changes']) {
    this.#loops = loops;
    this.#running = loops.map((loop) => this.#run(connectionString, loop));
  }

  async #run(connectionString: string, loop: OldLoop): Promise<void> {
    const client = new pg.Client({ connectionString, query_timeout: queryTimeoutMs });
    await client.connect();
    try {
      while (!this.#ending.signal.aborted) {
        await works[loop](client, this.rounds[loop]);
        this.rounds[loop]++;
      }
    } catch (error) {
      this.errors.push(error);
    } finally {
      await client.end();
    }
  }

  /** Whether each loop has come round so often since this was called, or one has ended. */
  getsOn(rounds: number): () => boolean {
    const from = { ...this.rounds };
    return () => this.errors.length > 0 || this.#loops.every((loop) => this.rounds[loop] - from[loop] >= rounds);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
  }
}

const works: Record<OldLoop, (client: pg.Client, round: number) => Promise<void>> = {
  readings: async (client) => {
    await client.query('SELECT term, wrapped_key FROM key_term ORDER BY term');
    await readAsOldWorker(client);
    await client.query(report, ['old-worker', 'boot', '0.1.0', 10, new Date()]);
  },
  events: async (client, round) => {
    const detail = `{"\\\\x00"}`;
    await client.query(audit, [detail, `{${Date.now()}}`, `{old-${round}}`]);
  },
  changes: (client, round) => changeAsOldControlPlane(client, `change ${round}`),
};
