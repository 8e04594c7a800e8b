import { askedApproval } from '../../approvals/testing/ask.ts';
import { AuditStore } from '../../audit/audit-store.ts';
import { sampleEvent } from '../../audit/testing/sample-event.ts';
import { everywhere } from '../../auth/principal.ts';
import { callAs, makeKey, makeUser } from '../../auth/testing/people.ts';
import { goodCalls } from './good-calls.ts';
import { type Served, adminPassword, basic } from './serve.ts';

/** What makes objects, each with all that it may have. */
const makes: ReadonlySet<string> = new Set(['/api/secrets', '/api/agents', '/api/policies', '/api/routes']);

/**
 * Makes something of everything that an owner can read, so that a walk of the schema comes upon values and not upon nulls. Of each
 * environment there are `k`, a secret whose versions are `value` with a number behind it, the last one without, and `p-of-prod` and
 * `r-of-prod`.
 */
export async function seedEverything(api: Served, value: string): Promise<void> {
  await makeUser(api, 'idle', everywhere('auditor'));
  for (const [method, path, body] of goodCalls)
    if (method === 'POST' && makes.has(path)) await must(api, method, path, body);
  await must(api, 'POST', '/api/agents', {
    name: 'bot',
    identities: [{ token: {} }, { mtls: { uri: 'spiffe://example/bot' } }],
  });
  await must(api, 'POST', '/api/agents/b/certificate', {});
  for (const environment of ['prod', 'staging']) await seedEnvironment(api, environment, value);
  await seedManaged(api, value);
  await must(api, 'POST', '/api/authorities/rotate', { overlapHours: 1 });
  await must(api, 'POST', '/api/rotations/prod%2Fk/runs', {});
  await seedRows(api);
  const id = await askedApproval(api, 'asking', 'prod/k');
  await must(api, 'POST', `/api/approvals/${id}/approve`, {});
  await askedApproval(api, 'waiting', 'prod/k');
  await seedKey(api, value);
}

async function seedEnvironment(api: Served, environment: string, value: string): Promise<void> {
  const secret = `${environment}/k`;
  const at = encodeURIComponent(secret);
  const binding = { hosts: ['a.example'], surfaces: ['header', 'json'], jsonPaths: ['$.key'] };
  const life = { expiresAt: '2099-01-01T00:00:00Z', leaseSeconds: 3600, maxVersions: 5, alias: { prefix: 'sk-' } };
  await must(api, 'POST', '/api/secrets', { name: secret, value: `${value}-1`, binding, ...life });
  await must(api, 'PUT', `/api/secrets/${at}`, { value: `${value}-2` });
  await must(api, 'PUT', `/api/secrets/${at}`, { value });
  await must(api, 'DELETE', `/api/secrets/${at}/versions/1`);
  await must(api, 'POST', `/api/secrets/${at}/alias`, { graceSeconds: 3600 });
  const rules = [{ allow: { hosts: ['a.example'], secrets: [secret] } }];
  await must(api, 'POST', '/api/policies', { name: `p-of-${environment}`, agents: ['bot'], rules });
  const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
  await must(api, 'POST', '/api/routes', { name: `r-of-${environment}`, secret, hosts: ['a.example'], inject });
  await must(api, 'PUT', `/api/rotations/${at}`, { generate: {}, schedule: '0 3 1 * *', watchSeconds: 3600 });
}

/** What a source of configuration as code made. */
async function seedManaged(api: Served, value: string): Promise<void> {
  const secret = { name: 'prod/managed', value };
  const scope = { hosts: ['m.example'], paths: ['/v1/**'], methods: ['GET'] };
  const windows = [{ days: ['mon'], from: '08:00', to: '18:00', zone: 'Europe/Berlin' }];
  const inject = [{ header: { name: 'x-key', template: '{secret}' } }];
  const config = {
    secrets: [secret],
    agents: [{ name: 'managed' }],
    policies: [{ name: 'managed', agents: ['managed'], rules: [{ deny: { ...scope, windows } }] }],
    routes: [{ name: 'managed', secret: secret.name, ...scope, inject }],
  };
  const planned = await must(api, 'POST', '/api/plan', { config, managedBy: 'files' });
  await must(api, 'POST', '/api/apply', { config, managedBy: 'files', planHash: planned['planHash'] });
}

/** A key with all limits, and what it did. */
async function seedKey(api: Served, value: string): Promise<void> {
  const key = await makeKey(api, basic('admin', adminPassword), {
    name: 'limited',
    roles: [{ role: 'admin', environments: ['prod'] }],
    actions: ['secret:create'],
    environments: ['prod'],
  });
  const made = await callAs(api, key, 'POST', '/api/secrets', { name: 'prod/by-key', value });
  if (made.status !== 201) throw new Error(made.text);
}

/** What workers and rotations leave. */
async function seedRows(api: Served): Promise<void> {
  await api.database.query(
    `INSERT INTO worker (name, boot_id, version, applied_revision, started_at, seen_at, connections, requests_per_second, cpu_share,
       memory_bytes, spool_bytes) VALUES ('w1', 'b1', '0.1.0', 7, now(), now(), 3, 40, 0.25, 100, 7)`,
  );
  await api.database.query(
    `INSERT INTO secret_use (secret_id, version, last_used_at, uses, rejections)
       SELECT id, current_version, now(), 3, 1 FROM secret WHERE name = 'staging/k' OR name = 'prod/k'`,
  );
  await api.database.query(
    `INSERT INTO rotation_run (id, secret_id, step, next_at, cause, old_version, new_version, watch_until, grace_until, outcome, problem,
         started_at, finished_at)
       SELECT gen_random_uuid(), id, 'UNDOING', now(), 'asked', 2, 3, now(), now(), 'ROLLED_BACK', 'the provider refused', now(), now()
       FROM secret WHERE name = 'staging/k'`,
  );
  const finding = { kind: 'SECRET_IN_RESPONSE', place: 'x-key' } as const;
  const used = { agent: 'bot', host: 'a.example', secrets: ['prod/k@2'], findings: [finding] };
  const events = ['one', 'two', 'three'].map((id, place) => sampleEvent(id, Date.now() - 3_000 + place, used));
  await new AuditStore(api.database, api.keys.keyring).insert(events);
}

async function must(
  api: Served,
  method: string,
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await api.call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
  return answer.text === '' ? {} : (answer.json as Record<string, unknown>);
}
