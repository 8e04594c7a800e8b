import type { PoolClient } from 'pg';
import type { Binding } from '../../domain/binding.ts';
import type { AgentToken, AliasUntil, AuthorityRecord, SealedVersion, SecretRecord } from '../../domain/snapshot.ts';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '../../ports/snapshot-source.ts';

/** Rows of configuration as records: of the given ids, or all when `ids` is undefined. Within a transaction of `client`. */
type Ids = readonly string[] | undefined;

/** Rows that are fetched at once of all there are: no query takes long, and what was parsed of one is gone before the next. */
const fetchedRows = 4_000;

interface Selection {
  /** Of the statement for given ids, which the server parses once in a connection: changes ask it again and again. */
  readonly name: string;
  readonly select: string;
  readonly where?: string;
  readonly idColumn: string;
}

/**
 * Gives each row of a table to `take`, in no order, as the list of its columns. All of them come by one pass over the table,
 * whatever they are joined with here: a join by pages would have PostgreSQL read the other table whole for each page.
 */
async function eachRow<Row extends readonly unknown[]>(
  client: PoolClient,
  { select, where, idColumn, name }: Selection,
  ids: Ids,
  take: (row: Row) => void,
): Promise<void> {
  const conditions = [...(where === undefined ? [] : [where]), ...(ids ? [`${idColumn} = ANY ($1::uuid[])`] : [])];
  const text = conditions.length === 0 ? select : `${select} WHERE ${conditions.join(' AND ')}`;
  if (ids) {
    const { rows } = await client.query<[...Row]>({ name, text, values: [ids], rowMode: 'array' });
    for (const row of rows) take(row);
    return;
  }
  await client.query(`DECLARE all_rows NO SCROLL CURSOR FOR ${text}`);
  const fetch = () => client.query<[...Row]>({ text: `FETCH ${fetchedRows} FROM all_rows`, rowMode: 'array' });
  let asked: ReturnType<typeof fetch> | undefined = fetch();
  while (asked) {
    const { rows }: Awaited<typeof asked> = await asked;
    // PostgreSQL makes the next ones while these are taken.
    asked = rows.length === fetchedRows ? fetch() : undefined;
    // That it failed is told where it is awaited.
    asked?.catch(() => undefined);
    for (const row of rows) take(row);
  }
  await client.query('CLOSE all_rows');
}

type SecretRow = readonly [
  id: string,
  name: string,
  alias: string | null,
  previousAlias: string | null,
  previousAliasUntil: Date | null,
  expiresAt: Date | null,
  leaseSeconds: number | null,
  binding: string,
  isDisabled: boolean,
  currentVersion: number,
];
type VersionRow = readonly [secretId: string, version: number, sealed: Buffer];

export async function readSecrets(client: PoolClient, ids: Ids): Promise<SecretRecord[]> {
  if (ids?.length === 0) return [];
  const records = new Map<string, SecretRecord & { versions: Map<number, SealedVersion> }>();
  // Many secrets have the same binding.
  const bindings = new Map<string, Binding>();
  const select = `SELECT id, name, alias, previous_alias, previous_alias_until, expires_at, lease_seconds, binding::text, is_disabled,
    current_version FROM secret`;
  await eachRow<SecretRow>(client, { name: 'secrets', select, idColumn: 'id' }, ids, (row) => {
    const record = secretOf(row, bindings);
    records.set(record.id, record);
  });
  const versions = {
    name: 'secret versions',
    select: 'SELECT secret_id, version, sealed FROM secret_version',
    where: 'NOT is_pending',
    idColumn: 'secret_id',
  };
  await eachRow<VersionRow>(client, versions, ids, ([secretId, version, sealed]) => {
    const record = records.get(secretId);
    record?.versions.set(version, { id: record.id, version, sealed });
  });
  return [...records.values()].filter((record) => record.versions.size > 0);
}

function secretOf(
  [
    id,
    name,
    alias,
    previousAlias,
    previousAliasUntil,
    expiresAt,
    leaseSeconds,
    text,
    isDisabled,
    currentVersion,
  ]: SecretRow,
  bindings: Map<string, Binding>,
) {
  const binding = bindings.get(text) ?? (JSON.parse(text) as Binding);
  bindings.set(text, binding);
  return {
    id,
    name,
    alias: alias ?? undefined,
    previousAlias: aliasUntil(previousAlias, previousAliasUntil),
    expiresAtMs: expiresAt?.getTime(),
    leaseSeconds: leaseSeconds ?? undefined,
    binding,
    isDisabled,
    currentVersion,
    versions: new Map<number, SealedVersion>(),
  };
}

function aliasUntil(alias: string | null, until: Date | null): AliasUntil | undefined {
  return alias === null || until === null ? undefined : { alias, untilMs: until.getTime() };
}

type AgentRow = readonly [
  id: string,
  name: string,
  labels: Record<string, string>,
  isDisabled: boolean,
  sealedIdentities: Buffer | null,
  mac: Buffer | null,
];
type TokenRow = readonly [agentId: string, hash: Buffer, expiresAt: Date | null];

export async function readAgents(client: PoolClient, ids: Ids): Promise<SealedAgent[]> {
  if (ids?.length === 0) return [];
  const records = new Map<string, SealedAgent & { tokens: AgentToken[] }>();
  const agents = {
    name: 'agents',
    select: 'SELECT id, name, labels, is_disabled, sealed_identities, mac FROM agent',
    idColumn: 'id',
  };
  await eachRow<AgentRow>(client, agents, ids, ([id, name, labels, isDisabled, sealed, mac]) => {
    const read = {
      sealedIdentities: sealed ?? undefined,
      mac: mac ?? undefined,
    };
    records.set(id, { id, name, labels, isDisabled, ...read, tokens: [] });
  });
  const tokens = {
    name: 'agent tokens',
    select: 'SELECT agent_id, hash, expires_at FROM agent_token',
    idColumn: 'agent_id',
  };
  await eachRow<TokenRow>(client, tokens, ids, ([agentId, hash, expiresAt]) => {
    records.get(agentId)?.tokens.push({ hash: hash.toString('hex'), expiresAtMs: expiresAt?.getTime() });
  });
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
  const select = `SELECT id, name, version, sealed_body FROM ${table}`;
  const { rows } = await client.query<{ id: string; name: string; version: number; sealed_body: Buffer }>(
    ids
      ? { name: `rows of ${table}`, text: `${select} WHERE id = ANY ($1::uuid[]) ORDER BY name`, values: [ids] }
      : `${select} ORDER BY name`,
  );
  return rows.map(({ id, name, version, sealed_body: sealedBody }) => ({ id, name, version, sealedBody }));
}

type Authorities = Pick<ConfigChanges, 'authority' | 'otherAuthorities' | 'clientAuthorities'>;

/** The authorities that are active, and those of hosts that agents are to trust besides. */
export async function readAuthorities(client: PoolClient): Promise<Authorities> {
  const ofHosts = await readAuthoritiesOf(client, 'certificate_authority');
  const ofClients = await readAuthoritiesOf(client, 'client_authority');
  return {
    authority: ofHosts.find(({ isActive }) => isActive)?.record,
    otherAuthorities: ofHosts.filter(({ isActive }) => !isActive).map(({ record }) => record),
    clientAuthorities: ofClients.map(({ record }) => record),
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
