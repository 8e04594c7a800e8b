import type { PoolClient } from 'pg';
import type { Binding } from '../../domain/binding.ts';
import type { AgentToken, AuthorityRecord, SealedVersion, SecretRecord } from '../../domain/snapshot.ts';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '../../ports/snapshot-source.ts';

/** Rows of configuration as records: of the given ids, or all when `ids` is undefined. */
type Ids = readonly string[] | undefined;

interface SecretVersionJoin {
  id: string;
  name: string;
  alias: string | null;
  binding: Binding;
  is_disabled: boolean;
  current_version: number;
  version: number;
  sealed: Buffer;
}

export async function readSecrets(client: PoolClient, ids: Ids): Promise<SecretRecord[]> {
  if (ids?.length === 0) return [];
  const { rows } = await client.query<SecretVersionJoin>(
    `SELECT s.id, s.name, s.alias, s.binding, s.is_disabled, s.current_version, v.version, v.sealed
     FROM secret s JOIN secret_version v ON v.secret_id = s.id
     WHERE $1::uuid[] IS NULL OR s.id = ANY ($1) ORDER BY s.name, v.version`,
    [ids ?? null],
  );
  const records = new Map<string, SecretRecord & { versions: Map<number, SealedVersion> }>();
  for (const row of rows) {
    const record = records.get(row.id) ?? {
      id: row.id,
      name: row.name,
      alias: row.alias ?? undefined,
      binding: row.binding,
      isDisabled: row.is_disabled,
      currentVersion: row.current_version,
      versions: new Map<number, SealedVersion>(),
    };
    record.versions.set(row.version, { id: row.id, version: row.version, sealed: row.sealed });
    records.set(row.id, record);
  }
  return [...records.values()];
}

interface AgentTokenJoin {
  id: string;
  name: string;
  labels: Record<string, string>;
  is_disabled: boolean;
  sealed_identities: Buffer | null;
  hash: Buffer | null;
  expires_at: Date | null;
}

export async function readAgents(client: PoolClient, ids: Ids): Promise<SealedAgent[]> {
  if (ids?.length === 0) return [];
  const { rows } = await client.query<AgentTokenJoin>(
    `SELECT a.id, a.name, a.labels, a.is_disabled, a.sealed_identities, t.hash, t.expires_at
     FROM agent a LEFT JOIN agent_token t ON t.agent_id = a.id
     WHERE $1::uuid[] IS NULL OR a.id = ANY ($1) ORDER BY a.name, t.created_at`,
    [ids ?? null],
  );
  const records = new Map<string, SealedAgent & { tokens: AgentToken[] }>();
  for (const row of rows) {
    const { id, name, labels, is_disabled: isDisabled } = row;
    const sealedIdentities = row.sealed_identities ?? undefined;
    const record = records.get(id) ?? { id, name, labels, isDisabled, sealedIdentities, tokens: [] as AgentToken[] };
    if (row.hash !== null) {
      record.tokens.push({ hash: row.hash.toString('hex'), expiresAtMs: row.expires_at?.getTime() });
    }
    records.set(id, record);
  }
  return [...records.values()];
}

export async function readPolicies(client: PoolClient, ids: Ids): Promise<SealedPolicy[]> {
  return readSealed(client, 'policy', ids);
}

export async function readRoutes(client: PoolClient, ids: Ids): Promise<SealedRoute[]> {
  return readSealed(client, 'route', ids);
}

async function readSealed(client: PoolClient, table: 'policy' | 'route', ids: Ids): Promise<SealedPolicy[]> {
  if (ids?.length === 0) return [];
  const { rows } = await client.query<{ id: string; name: string; version: number; sealed_body: Buffer }>(
    `SELECT id, name, version, sealed_body FROM ${table} WHERE $1::uuid[] IS NULL OR id = ANY ($1) ORDER BY name`,
    [ids ?? null],
  );
  return rows.map(({ id, name, version, sealed_body: sealedBody }) => ({ id, name, version, sealedBody }));
}

/** The two authorities that are active. */
export async function readAuthorities(
  client: PoolClient,
): Promise<Pick<ConfigChanges, 'authority' | 'clientAuthority'>> {
  return {
    authority: await readActive(client, 'certificate_authority'),
    clientAuthority: await readActive(client, 'client_authority'),
  };
}

async function readActive(
  client: PoolClient,
  table: 'certificate_authority' | 'client_authority',
): Promise<AuthorityRecord | undefined> {
  const { rows } = await client.query<{ id: string; certificate_pem: string; sealed_key: Buffer }>(
    `SELECT id, certificate_pem, sealed_key FROM ${table} WHERE is_active`,
  );
  const [row] = rows;
  return row && { id: row.id, certificatePem: row.certificate_pem, sealedKey: row.sealed_key };
}
