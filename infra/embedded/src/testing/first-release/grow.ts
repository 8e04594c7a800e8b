import type pg from 'pg';

/** How many there are to be, in place of the few of the dump. */
export interface Amounts {
  readonly secrets: number;
  readonly events: number;
}

/**
 * Makes a database of the first release as large as one that was used: each secret with its version, its change and its admin event, and
 * audit events, the newest of now, over three days. Their sealed bytes are those of a row of the dump: nothing opens them here.
 */
export async function grow(client: pg.Client, { secrets, events }: Amounts): Promise<void> {
  for (const statement of statements(secrets, events)) await client.query(statement);
}

const statements = (secrets: number, events: number): readonly string[] => [
  `CREATE TEMP TABLE grown AS
     SELECT gen_random_uuid() AS id, 'prod/grown-' || lpad(n::text, 7, '0') AS name, 10 + n AS revision
     FROM generate_series(1, ${secrets}) n`,
  `INSERT INTO secret (id, name, description, binding, current_version, created_at, updated_at)
     SELECT g.id, g.name, 'one of many', s.binding, 1, now(), now() FROM grown g, secret s WHERE s.name = 'prod/aliased'`,
  `INSERT INTO secret_version (secret_id, version, sealed, fingerprint, created_at)
     SELECT g.id, 1, v.sealed, v.fingerprint, now() FROM grown g, secret_version v JOIN secret s ON s.id = v.secret_id
     WHERE s.name = 'prod/aliased'`,
  `INSERT INTO config_change (revision, kind, object_id, operation, principal)
     SELECT revision, 'secret', id, 'upsert', 'user:admin' FROM grown`,
  `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
     SELECT gen_random_uuid(), now() - revision * interval '1 s', 'user:admin', 'secret:create', 'secret', name, revision, '{"version": 1}'
     FROM grown`,
  `UPDATE config_state SET revision = revision + ${secrets}`,
  `INSERT INTO audit_event (time, id, revision, worker, request_id, agent_id, agent, decision, reason, rule, host, port, method, status,
       latency_ms, request_bytes, response_bytes, secrets, sealed_detail)
     SELECT now() - n * interval '72 h' / ${Math.max(events, 1)}, 'grown-' || n, 9, 'worker-1', 'r-' || n, NULL, 'agent-' || n % 1000,
       CASE WHEN n % 50 = 0 THEN 'deny' ELSE 'allow' END, 'ALLOWED', 'old-policy#0', 'api-' || n % 500 || '.example.com', 443, 'GET', 200,
       12, 0, 10, ARRAY['prod/openai@1'], e.sealed_detail
     FROM generate_series(1, ${events}) n, audit_event e WHERE e.id = 'first-release-1'`,
  'DROP TABLE grown',
  'ANALYZE',
];
