import type { PoolClient } from 'pg';
import type { Binding } from '../../domain/binding.ts';
import type { AgentToken, AliasUntil, AuthorityRecord, SealedVersion, SecretRecord } from '../../domain/snapshot.ts';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '../../ports/snapshot-source.ts';

/** Rows of configuration as records: of the given ids, or all when `ids` is undefined. */
type Ids = readonly string[] | undefined;

/** Rows that are read at once of all there are: no query takes long, and what was parsed of one is gone before the next. */
const pageRows = 2_000;

/** Reads all by pages, in the order of names; `read` gives at most `pageRows` of those after a name. */
async function inPages<Row extends { readonly name: string }>(read: (after: string) => Promise<Row[]>): Promise<Row[]> {
  const all: Row[] = [];
  for (let after = ''; ; ) {
    const page = await read(after);
    for (const row of page) all.push(row);
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) return all;
    after = last.name;
  }
}

interface SecretVersionJoin {
  id: string;
  name: string;
  alias: string | null;
  previous_alias: string | null;
  previous_alias_until: Date | null;
  expires_at: Date | null;
  binding: string;
  is_disabled: boolean;
  current_version: number;
  version: number | null;
  sealed: Buffer | null;
}

export async function readSecrets(client: PoolClient, ids: Ids): Promise<SecretRecord[]> {
  if (ids?.length === 0) return [];
  const bindings = new Map<string, Binding>();
  const read = async (condition: string, values: unknown[]): Promise<SecretRecord[]> => {
    const { rows } = await client.query<SecretVersionJoin>(
      `SELECT s.id, s.name, s.alias, s.previous_alias, s.previous_alias_until, s.expires_at, s.binding::text AS binding, s.is_disabled, s.current_version, v.version, v.sealed
       FROM (SELECT * FROM secret WHERE ${condition}) s LEFT JOIN secret_version v ON v.secret_id = s.id AND NOT v.is_pending
       ORDER BY s.name, v.version`,
      values,
    );
    return secretsOf(rows, bindings);
  };
  const found = await (ids === undefined
    ? inPages((after) => read('name > $1 ORDER BY name LIMIT $2', [after, pageRows]))
    : read('id = ANY ($1::uuid[])', [ids]));
  return found.filter(({ versions }) => versions.size > 0);
}

/** @param bindings those that were read before, by their text: many secrets have the same */
function secretsOf(rows: readonly SecretVersionJoin[], bindings: Map<string, Binding>): SecretRecord[] {
  const records = new Map<string, SecretRecord & { versions: Map<number, SealedVersion> }>();
  for (const row of rows) {
    const binding = bindings.get(row.binding) ?? (JSON.parse(row.binding) as Binding);
    bindings.set(row.binding, binding);
    const record = records.get(row.id) ?? {
      id: row.id,
      name: row.name,
      alias: row.alias ?? undefined,
      previousAlias: previousAliasOf(row),
      expiresAtMs: row.expires_at?.getTime(),
      binding,
      isDisabled: row.is_disabled,
      currentVersion: row.current_version,
      versions: new Map<number, SealedVersion>(),
    };
    if (row.version !== null && row.sealed !== null)
      record.versions.set(row.version, { id: row.id, version: row.version, sealed: row.sealed });
    records.set(row.id, record);
  }
  return [...records.values()];
}

function previousAliasOf(row: SecretVersionJoin): AliasUntil | undefined {
  const { previous_alias: alias, previous_alias_until: until } = row;
  return alias === null || until === null ? undefined : { alias, untilMs: until.getTime() };
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
  const read = async (condition: string, values: unknown[]): Promise<SealedAgent[]> => {
    const { rows } = await client.query<AgentTokenJoin>(
      `SELECT a.id, a.name, a.labels, a.is_disabled, a.sealed_identities, t.hash, t.expires_at
       FROM (SELECT * FROM agent WHERE ${condition}) a LEFT JOIN agent_token t ON t.agent_id = a.id
       ORDER BY a.name, t.created_at`,
      values,
    );
    return agentsOf(rows);
  };
  return ids === undefined
    ? inPages((after) => read('name > $1 ORDER BY name LIMIT $2', [after, pageRows]))
    : read('id = ANY ($1::uuid[])', [ids]);
}

function agentsOf(rows: readonly AgentTokenJoin[]): SealedAgent[] {
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

type Authorities = Pick<ConfigChanges, 'authority' | 'otherAuthorities' | 'clientAuthority'>;

/** The authorities that are active, and those of hosts that agents are to trust besides. */
export async function readAuthorities(client: PoolClient): Promise<Authorities> {
  const ofHosts = await readAuthoritiesOf(client, 'certificate_authority');
  const ofClients = await readAuthoritiesOf(client, 'client_authority');
  return {
    authority: ofHosts.find(({ isActive }) => isActive)?.record,
    otherAuthorities: ofHosts.filter(({ isActive }) => !isActive).map(({ record }) => record),
    clientAuthority: ofClients.find(({ isActive }) => isActive)?.record,
  };
}

async function readAuthoritiesOf(
  client: PoolClient,
  table: 'certificate_authority' | 'client_authority',
): Promise<{ readonly record: AuthorityRecord; readonly isActive: boolean }[]> {
  const { rows } = await client.query<{ id: string; certificate_pem: string; sealed_key: Buffer; is_active: boolean }>(
    `SELECT id, certificate_pem, sealed_key, is_active FROM ${table} ORDER BY created_at DESC, id`,
  );
  return rows.map(({ id, certificate_pem: certificatePem, sealed_key: sealedKey, is_active: isActive }) => ({
    record: { id, certificatePem, sealedKey },
    isActive,
  }));
}
