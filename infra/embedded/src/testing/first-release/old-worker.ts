/**
 * What processes of the first release ask of the database while a newer control plane changes its schema. Statements are those of
 * commit 099ca06, word for word: shared/src/adapters/postgres/snapshot-source.ts and snapshot-rows.ts (a worker's reading of all, its
 * look at the keys, its report), and control-plane/src/audit/audit-columns.ts (audit events, here one at a time).
 */
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

/** Loops of the old release; each is its own connection, and stops for good at the first error. */
export class OldRelease {
  readings = 0;
  events = 0;
  readonly errors: unknown[] = [];
  readonly #ending = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(connectionString: string) {
    const open = async (work: (client: pg.Client) => Promise<void>): Promise<void> => {
      const client = new pg.Client({ connectionString, query_timeout: queryTimeoutMs });
      await client.connect();
      try {
        while (!this.#ending.signal.aborted) await work(client);
      } catch (error) {
        this.errors.push(error);
      } finally {
        await client.end();
      }
    };
    this.#loops = [
      open(async (client) => {
        await client.query('SELECT term, wrapped_key FROM key_term ORDER BY term');
        await readAsOldWorker(client);
        await client.query(report, ['old-worker', 'boot', '0.1.0', 10, new Date()]);
        this.readings++;
      }),
      open(async (client) => {
        const detail = `{"\\\\x00"}`;
        await client.query(audit, [detail, `{${Date.now()}}`, `{old-${this.events}}`]);
        this.events++;
      }),
    ];
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#loops);
  }
}
