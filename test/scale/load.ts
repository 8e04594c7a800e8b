/** Fills a database with many rows, sealed by the code that seals them in production, and written in batches. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentFacts } from '../../shared/src/domain/agent-facts.ts';
import type { Binding } from '../../shared/src/domain/binding.ts';
import {
  agentIdentitiesContext,
  policyContext,
  routeContext,
  secretVersionContext,
} from '../../shared/src/seal-contexts.ts';
import { fingerprint, identityHash, tokenHash } from '../../shared/src/vault/keyed-hash.ts';
import { Keyring } from '../../shared/src/vault/keyring.ts';
import { MasterKey } from '../../shared/src/vault/master-key.ts';
import { rowMac } from '../../shared/src/vault/row-mac.ts';
import { seal } from '../../shared/src/vault/seal.ts';
import pg from 'pg';
import { databaseUrlOf } from '../support/database-url.ts';
import { insertEvents } from './load-events.ts';
import { agentName, number, secretName, times } from './loaded-names.ts';

/** How many of each. */
export interface Amounts {
  readonly secrets: number;
  readonly agents: number;
  readonly policies: number;
  readonly routes: number;
  readonly events: number;
}

interface Vault {
  readonly keyring: Keyring;
  readonly fingerprintKey: Buffer;
  readonly tokenPepper: Buffer;
  /** Of the MACs of rows. */
  readonly rowKey: Buffer;
}

const batchRows = 2_000;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

/** Adds rows of every kind, and one change that has all workers read everything anew. */
export async function load(dataFolder: string, amounts: Amounts): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrlOf(dataFolder) });
  await client.connect();
  try {
    const vault = await openVault(client, dataFolder);
    await insertSecrets(client, vault, amounts.secrets);
    await insertAgents(client, vault, amounts.agents);
    await insertPolicies(client, vault, amounts);
    await insertRoutes(client, vault, amounts);
    await insertEvents(client, vault.keyring, amounts.events);
    // A revision without a record of its change cannot be told apart: whoever follows reads all.
    await client.query('UPDATE config_state SET revision = revision + 2');
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}

async function openVault(client: pg.Client, dataFolder: string): Promise<Vault> {
  const master = MasterKey.fromHex(readFileSync(join(dataFolder, 'master.key'), 'utf8').trim());
  const [instance] = (await client.query<{ id: string }>('SELECT id FROM instance')).rows;
  const terms = await client.query<{ term: number; wrapped_key: Buffer; is_active: boolean }>(
    'SELECT term, wrapped_key, activated_at IS NOT NULL AS is_active FROM key_term ORDER BY term',
  );
  const id = instance?.id ?? '';
  return {
    keyring: Keyring.open(
      master,
      id,
      terms.rows.map((row) => ({ term: row.term, wrappedKey: row.wrapped_key, isActive: row.is_active })),
    ),
    fingerprintKey: master.derive('fingerprint', id),
    tokenPepper: master.derive('token-pepper', id),
    rowKey: master.derive('row-mac', id),
  };
}

/** Writes rows of a table in batches: `columns` with their types, `rowOf` one row's values. */
async function insert(
  client: pg.Client,
  table: string,
  columns: Readonly<Record<string, string>>,
  rows: Iterable<readonly unknown[]>,
): Promise<void> {
  const names = Object.keys(columns);
  const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`);
  const text = `INSERT INTO ${table} (${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`;
  let batch: (readonly unknown[])[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0)
      await client.query(
        text,
        names.map((_, column) => batch.map((row) => row[column])),
      );
    batch = [];
  };
  for (const row of rows) {
    batch.push(row);
    if (batch.length >= batchRows) await flush();
  }
  await flush();
}

async function insertSecrets(client: pg.Client, { keyring, fingerprintKey }: Vault, count: number): Promise<void> {
  const now = new Date();
  const ids = Array.from({ length: count }, () => randomUUID());
  const bindingOf = (index: number): Binding => ({
    hosts: [`api-${index % 500}.example.com`],
    surfaces: ['header', 'basic'],
    scrub: 'replace',
  });
  await insert(
    client,
    'secret',
    {
      id: 'uuid',
      name: 'text',
      description: 'text',
      alias: 'text',
      binding: 'jsonb',
      current_version: 'int',
      is_disabled: 'boolean',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    times(count, (index) => [
      ids[index],
      secretName(index),
      `The key of service ${index}`,
      index % 4 === 0 ? `sk-${randomBytes(14).toString('hex')}` : null,
      JSON.stringify(bindingOf(index)),
      1,
      false,
      now,
      now,
    ]),
  );
  await insert(
    client,
    'secret_version',
    { secret_id: 'uuid', version: 'int', sealed: 'bytea', fingerprint: 'text', created_at: 'timestamptz' },
    times(count, (index) => {
      const value = Buffer.from(`sk-${randomBytes(24).toString('base64url')}`);
      const sealed = seal(keyring, secretVersionContext(ids[index] ?? '', 1, bindingOf(index)), value);
      return [ids[index], 1, sealed, fingerprint(fingerprintKey, ids[index] ?? '', value), now];
    }),
  );
}

async function insertAgents(
  client: pg.Client,
  { keyring, fingerprintKey, tokenPepper, rowKey }: Vault,
  count: number,
): Promise<void> {
  const now = new Date();
  const made = Array.from({ length: count }, (_, index) => {
    const token = `oat_${randomBytes(32).toString('base64url')}`;
    const hash = tokenHash(tokenPepper, token);
    const labels = { team: `team-${index % 100}` };
    return { id: randomUUID(), name: agentName(index), labels, isDisabled: false, hash, prefix: token.slice(0, 8) };
  });
  const ids = made.map(({ id }) => id);
  const identitiesOf = (index: number) => [
    { kind: 'token', expiresAtMs: undefined, cidrs: [] },
    ...(index % 5 === 0 ? [{ kind: 'mtls', by: 'commonName', name: agentName(index) }] : []),
  ];
  await insert(
    client,
    'agent',
    {
      id: 'uuid',
      name: 'text',
      labels: 'jsonb',
      is_disabled: 'boolean',
      sealed_identities: 'bytea',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
      mac: 'bytea',
    },
    made.map(({ id, name, labels, isDisabled, hash }, index) => {
      const tokens = [{ hash: hash.toString('hex'), expiresAtMs: undefined }];
      const mac = rowMac(rowKey, 'agent', agentFacts({ id, name, labels, isDisabled, tokens }));
      const sealed = seal(keyring, agentIdentitiesContext(id), json(identitiesOf(index)));
      return [id, name, JSON.stringify(labels), isDisabled, sealed, now, now, mac];
    }),
  );
  await insert(
    client,
    'agent_token',
    { id: 'uuid', agent_id: 'uuid', hash: 'bytea', prefix: 'text', created_at: 'timestamptz' },
    made.map(({ id, hash, prefix }) => [randomUUID(), id, hash, prefix, now]),
  );
  await insert(
    client,
    'agent_identity',
    { key_hash: 'bytea', agent_id: 'uuid' },
    times(Math.ceil(count / 5), (fifth) => [
      identityHash(fingerprintKey, JSON.stringify(['mtls', 'commonName', agentName(fifth * 5)])),
      ids[fifth * 5],
    ]),
  );
}

async function insertSealed(
  client: pg.Client,
  { keyring }: Vault,
  table: 'policy' | 'route',
  count: number,
  bodyOf: (index: number) => unknown,
): Promise<void> {
  const now = new Date();
  const contextOf = table === 'policy' ? policyContext : routeContext;
  await insert(
    client,
    table,
    {
      id: 'uuid',
      name: 'text',
      version: 'int',
      sealed_body: 'bytea',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    times(count, (index) => {
      const id = randomUUID();
      return [id, `${table}-${number(index)}`, 1, seal(keyring, contextOf(id, 1), json(bodyOf(index))), now, now];
    }),
  );
}

/** Each policy picks ten agents by name and a team by its label, and has ten rules that grant five secrets each. */
async function insertPolicies(client: pg.Client, vault: Vault, { policies, agents, secrets }: Amounts): Promise<void> {
  await insertSealed(client, vault, 'policy', policies, (index) => ({
    agents: [
      ...times(10, (each) => ({ kind: 'name', name: agentName((index * 10 + each) % Math.max(agents, 1)) })),
      { kind: 'labels', labels: { team: `team-${index % 100}` } },
    ],
    rules: [
      ...times(10, (rule) => ({
        effect: 'allow',
        hosts: [`api-${(index * 10 + rule) % 500}.example.com`],
        paths: ['/v1/**', `/v2/${rule}/*`],
        methods: ['GET', 'POST'],
        secrets: [...times(5, (each) => secretName((index * 50 + rule * 5 + each) % Math.max(secrets, 1)))],
      })),
    ],
  }));
}

async function insertRoutes(client: pg.Client, vault: Vault, { routes, secrets }: Amounts): Promise<void> {
  await insertSealed(client, vault, 'route', routes, (index) => ({
    secret: secretName(index % Math.max(secrets, 1)),
    hosts: [`api-${index % 500}.example.com`],
    paths: ['/v1/**'],
    methods: [],
    inject: [{ header: { name: 'authorization', template: 'Bearer {secret}' } }],
  }));
}
